// What a comparison is called: the period before a week or more is moved by whole weeks, which its name says. Pure.

import type { Comparing, Comparison, Interval } from "../api/answers";

/** An hour less than a week: clocks may be put forward in it. */
const WEEK_MS_MIN = (7 * 24 - 1) * 60 * 60 * 1_000;

/** The API's modes, and what the first of them is for a week and more. */
export type ComparingNamed = Comparing | "same_weekdays";

/** Of an answer. */
export function namedIn({ mode, current, previous }: Pick<Comparison, "mode" | "current" | "previous">) {
  return named(mode, { from: previous.from, to: current.from });
}

/** Of a range that isn't compared that way yet. */
export function namedFor(mode: Comparing, range: Interval | null): ComparingNamed {
  return range === null ? mode : named(mode, range);
}

function named<Mode extends Comparing>(mode: Mode, { from, to }: Interval): Mode | "same_weekdays" {
  const moved = mode === "previous_period" && Date.parse(to) - Date.parse(from) >= WEEK_MS_MIN;
  return moved ? "same_weekdays" : mode;
}
