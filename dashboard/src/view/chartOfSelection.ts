// Buckets that a person chooses in the chart, by pointer or keys. Pure.

import type { Interval, Range } from "../api/answers";
import { type Measured, type Metric, totalOf } from "./chartOfMetric";
import type { TrendPoint } from "./trendPoints";

/** From one bucket to another, in either direction, both included. */
export interface Selection {
  anchor: number;
  head: number;
}

/** The index of the first bucket, and that of the last. */
export function endsOf({ anchor, head }: Selection): [first: number, last: number] {
  return [Math.min(anchor, head), Math.max(anchor, head)];
}

/** The interval from the first bucket's beginning to the last one's end; null if there are no such buckets. */
export function selectedInterval(points: readonly TrendPoint[], selection: Selection): Interval | null {
  const [first, last] = endsOf(selection);
  const [start, end] = [points[first], points[last]];
  return start === undefined || end === undefined ? null : { from: start.from, to: end.to };
}

/** Whether a bucket can be opened by itself: a day has hours, an hour has nothing that is narrower. */
export function opensBuckets({ granularity }: Pick<Range, "granularity">): boolean {
  return granularity === "day";
}

/** What the buckets have together. */
export function measuredIn(points: readonly TrendPoint[], selection: Selection, metric: Metric): Measured {
  const [first, last] = endsOf(selection);
  return totalOf(points.slice(first, last + 1), metric);
}

/** How many buckets a page of keys moves by. */
const PAGE = 7;

/** The bucket that a key moves to from `from`; null for a key that moves nothing. */
export function movedBy(key: string, from: number, last: number): number | null {
  const moves: Readonly<Record<string, number>> = {
    ArrowLeft: from - 1,
    ArrowDown: from - 1,
    ArrowRight: from + 1,
    ArrowUp: from + 1,
    PageDown: from - PAGE,
    PageUp: from + PAGE,
    Home: 0,
    End: last,
  };
  const to = Object.hasOwn(moves, key) ? moves[key] : undefined;
  return to === undefined ? null : Math.min(last, Math.max(0, to));
}
