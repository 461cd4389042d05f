// What an overview says as a whole. Pure.

import type { Overview } from "../api/answers";

/** Every record up to this instant is in the numbers; null while a partition has never been read. */
export function completeThroughOf(overview: Overview): string | null {
  return freshnessOf(overview, "completeThrough") ?? null;
}

/** When the answer was made from the tables. */
export function generatedAtOf(overview: Overview): string {
  return freshnessOf(overview, "generatedAt") ?? overview.summary.generatedAt;
}

/**
 * The headers tell how fresh the numbers are, and the client puts them into the body. The members of the parts may be
 * those of a copy that the browser has kept, with the same numbers.
 */
function freshnessOf(
  overview: Overview & { completeThrough?: string | null; generatedAt?: string },
  member: "completeThrough" | "generatedAt",
): string | null | undefined {
  return member in overview ? overview[member] : overview.summary[member];
}
