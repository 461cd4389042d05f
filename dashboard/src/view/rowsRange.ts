// How the range of a panel's answer is asked for once more. Pure.

import type { Interval, Range } from "../api/answers";
import { isDayStart, wallOf } from "./zone";

type Exact = Interval & Pick<Range, "granularity"> & Partial<Pick<Range, "timezone">>;

/** The question whose answer is of exactly this range again: in buckets that its ends are ends of. */
export function exactly({ from, to, granularity, timezone }: Range): Exact {
  const inBuckets = [from, to].every((end) => isBucketStart(timezone, new Date(end), granularity));
  return inBuckets ? { from, to, granularity, timezone } : { from, to, granularity: "hour" };
}

function isBucketStart(zone: string, instant: Date, granularity: Range["granularity"]): boolean {
  // A day may begin at half past where clocks change.
  if (isDayStart(zone, instant)) return true;
  return granularity === "hour" && wallOf(zone, instant).endsWith(":00");
}
