// Why there is no answer, grouped by what a person can do about it.

export type RefusalKind =
  | "unreachable" // no connection, or no answer in time
  | "unauthorized" // 401: the token is missing, wrong or expired
  | "forbidden" // 403: the token is valid, but names no organization
  | "malformed" // 400: the API can't read the question
  | "absent" // 404: this API doesn't have that path
  | "limited" // 429
  | "unavailable"; // 503, and every other failure of the server

export class Refusal extends Error {
  constructor(
    readonly kind: RefusalKind,
    /** A sentence for people, if the API sent one. */
    readonly detail: string | null = null,
    /** How long the API asks to wait; null if it doesn't say. */
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail ?? kind);
    this.name = "Refusal";
  }

  /** Whether the same question may succeed a little later. */
  get passes(): boolean {
    return this.kind === "unreachable" || this.kind === "limited" || this.kind === "unavailable";
  }

  /** Reads a response that is no answer. */
  static async of(response: Response): Promise<Refusal> {
    return new Refusal(kindOf(response.status), await detailOf(response), retryAfterOf(response));
  }
}

function kindOf(status: number): RefusalKind {
  switch (status) {
    case 400:
      return "malformed";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "absent";
    case 429:
      return "limited";
    default:
      return "unavailable";
  }
}

/** The `detail` of RFC 9457 problem details. */
async function detailOf(response: Response): Promise<string | null> {
  try {
    const problem: unknown = await response.json();
    if (typeof problem !== "object" || problem === null || !("detail" in problem)) return null;
    return typeof problem.detail === "string" ? problem.detail : null;
  } catch {
    return null; // the body is a proxy's page, or empty: the kind says enough
  }
}

function retryAfterOf(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
