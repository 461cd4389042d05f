// Why there is no answer, grouped by what a person can do about it.

import { Problem } from "business-metrics-client";

export type RefusalKind =
  | "unreachable" // no connection, or no answer in time
  | "unauthorized" // 401: the token is missing, wrong or expired
  | "forbidden" // 403: the token is valid, but doesn't open this
  | "malformed" // 400: the API can't read the question
  | "absent" // 404: there is no such thing
  | "limited" // 429
  | "unavailable"; // 503, and every other failure of the server

export class Refusal extends Error {
  constructor(
    readonly kind: RefusalKind,
    /** A sentence for people, if the API sent one. */
    readonly detail: string | null = null,
    /** How long the API asks to wait; null if it doesn't say. */
    readonly retryAfterSeconds: number | null = null,
    /** What kind of problem it is, such as `other-organization`; null if the API didn't say. */
    readonly code: string | null = null,
  ) {
    super(detail ?? kind);
    this.name = "Refusal";
  }

  /** Whether the same question may succeed a little later. */
  get passes(): boolean {
    return this.kind === "unreachable" || this.kind === "limited" || this.kind === "unavailable";
  }

  /** What a failed question means: the API's problem, or that nobody answered. */
  static of(error: unknown): Refusal {
    if (!(error instanceof Problem)) return new Refusal("unreachable");
    const code = error.details?.type.split(/[/:#]/).at(-1) ?? null;
    return new Refusal(kindOf(error.status), error.details?.detail ?? null, error.retryAfterSeconds, code);
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
