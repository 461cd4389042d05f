// A refused request: problem details (RFC 9457).

import type { Problem as Details } from "./schema.js";

/** The API, or somebody before it, refuses the request. */
export class Problem extends Error {
  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** What the API says of it; null if it wasn't the API that refused. */
    readonly details: Details | null,
    /** After how many seconds to try again; null if nobody says. */
    readonly retryAfterSeconds: number | null,
  ) {
    super(details === null ? `status ${status}` : (details.detail ?? details.title));
    this.name = "Problem";
  }

  /** Whether the same request may succeed a little later. */
  get passes(): boolean {
    return this.status === 429 || this.status >= 500;
  }

  /** Reads a response that is no answer. */
  static async of(response: Response): Promise<Problem> {
    return new Problem(response.status, await detailsOf(response), retryAfterOf(response));
  }
}

async function detailsOf(response: Response): Promise<Details | null> {
  try {
    const body: unknown = await response.json();
    const isProblem = typeof body === "object" && body !== null && "type" in body && "title" in body;
    return isProblem ? (body as Details) : null;
  } catch {
    return null; // a proxy's page, or no body
  }
}

function retryAfterOf(response: Response): number | null {
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
