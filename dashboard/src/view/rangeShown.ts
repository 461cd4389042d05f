// How the range of an answer differs from the one that was asked for. Pure.

import type { Range } from "../api/answers";
import type { Bounds } from "./period";

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;

/** The API gives a range a later start if it is too long, and ends it now if it would end later. */
export type Deviation = { kind: "limited"; days: number } | { kind: "moved" } | null;

export function deviationOf(requested: Bounds, range: Range): Deviation {
  const [from, to] = [Date.parse(range.from), Date.parse(range.to)];
  const bounds = [requested.from, requested.to].flatMap((bound) =>
    bound === undefined ? [] : [Date.parse(bound)],
  );
  if (requested.from === undefined) return null;
  const asked = Math.min(...bounds);
  // Bounds are rounded outward to whole buckets, so a range that covers what was asked never begins after it.
  if (asked >= to) return { kind: "moved" };
  if (asked < from) return { kind: "limited", days: Math.round((to - from) / DAY_MS) };
  return null;
}
