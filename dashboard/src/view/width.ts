// How wide the buckets of a range may be, and how wide those of a chosen period are. Pure.

import type { Granularity, Interval } from "../api/answers";
import { isWholeDays } from "./period";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Shorter ranges have too few days to draw. */
const DAILY_LENGTH_MIN_MS = 2 * DAY_MS;
/** Longer ranges, in days, have too many hours to draw. */
export const HOURLY_DAYS_MAX = 31;
/** The API shows shorter ranges by the hour. */
const HOURLY_UNASKED_MAX_MS = 3 * DAY_MS;

/** An hour more than days have: clocks may be put back. */
const CLOCKS_MS = 60 * 60 * 1_000;

/** What a person can choose for a range as long as this. */
export function allows(granularity: Granularity, range: Interval): boolean {
  const length = lengthOf(range);
  return granularity === "hour"
    ? length <= HOURLY_DAYS_MAX * DAY_MS + CLOCKS_MS
    : length >= DAILY_LENGTH_MIN_MS;
}

/** What the API makes of it if nothing is asked. */
export function unasked(range: Interval): Granularity {
  return lengthOf(range) <= HOURLY_UNASKED_MAX_MS ? "hour" : "day";
}

/**
 * The granularity for an interval that was just chosen, null for the API's own. Times within days need hours, where hours are
 * allowed: days would be counted as a whole. Otherwise what was chosen before stays, where it is allowed.
 */
export function widthFor(period: Interval, zone: string, chosen: Granularity | null): Granularity | null {
  if (!isWholeDays(period, zone)) {
    return allows("hour", period) && (chosen !== null || unasked(period) === "day") ? "hour" : null;
  }
  return chosen !== null && allows(chosen, period) ? chosen : null;
}

function lengthOf({ from, to }: Interval): number {
  return Date.parse(to) - Date.parse(from);
}
