// How old the numbers are, and whether that is worth an alarm. Pure.

import type { Range } from "../api/answers";
import type { Texts } from "../texts";

const MINUTE_MS = 60 * 1_000;
/** Older numbers of a range that still goes on are flagged: records reach the tables within seconds. */
const OLD_MS = 5 * MINUTE_MS;

export type Freshness =
  /** A partition has never been read. */
  | { kind: "incomplete" }
  /** The range is over, and every record of it is counted. */
  | { kind: "complete"; through: string }
  /** The range goes on, or some of its records may be missing. */
  | { kind: "through"; through: string; ageMs: number; old: boolean };

/** `now` is the server's. */
export function freshnessOf(through: string | null, range: Range, now: number): Freshness {
  if (through === null) return { kind: "incomplete" };
  const [complete, end] = [Date.parse(through), Date.parse(range.to)];
  if (end <= complete) return { kind: "complete", through };
  // Of a range that is over, only what lies in it can be missing.
  const ageMs = Math.max(0, now - complete);
  return { kind: "through", through, ageMs, old: ageMs >= OLD_MS };
}

/** What the page and its pictures call it; the instant that belongs behind the words, if any does. */
export function freshnessIn(
  { page }: Pick<Texts, "page">,
  state: Freshness,
): [words: string, through?: string] {
  switch (state.kind) {
    case "incomplete":
      return [page.notComplete];
    case "complete":
      return [page.complete];
    case "through":
      return [page.completeThrough, state.through];
  }
}
