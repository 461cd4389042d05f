// The points of the trend chart, and which of them get a label. Pure.

import type { Bucket, Figures, Granularity, Interval, Range } from "../api/answers";
import { type Measured, measured, type Metric } from "./chartOfMetric";
import { offsetAt, zonedAt } from "./zone";

/** What was measured in an interval. */
export interface Stretch extends Measured, Interval {}

/** A bucket as the chart draws it. */
export interface TrendPoint extends Stretch {
  /** It contains now, so it still grows. */
  open: boolean;
  /** The same in the period compared with, where the bucket is compared: of an open one as much as has passed of it. */
  before: Stretch | null;
}

/** A series with what it is compared with: of all, or of one workflow. */
export interface Series {
  range: Range;
  series: readonly (Pick<Bucket, "bucket" | "open"> & Figures)[];
  previousSeries?: readonly (Pick<Bucket, "bucket"> & Figures)[] | undefined;
  comparison: { previous: Interval } | null;
}

export function trendPoints(
  { range, series, previousSeries, comparison }: Series,
  metric: Metric,
): TrendPoint[] {
  const stretches = (buckets: readonly (Pick<Bucket, "bucket"> & Figures)[], end: string): Stretch[] =>
    buckets.map((bucket, index) => ({
      from: bucket.bucket,
      to: buckets[index + 1]?.bucket ?? end,
      ...measured(bucket, metric),
    }));
  const before = comparison === null ? [] : stretches(previousSeries ?? [], comparison.previous.to);
  return stretches(series, range.to).map((stretch, index) => ({
    ...stretch,
    open: series[index]?.open ?? false,
    before: before[index] ?? null,
  }));
}

/** Whether there is nothing to draw, now and before: no count but 0, no rate at all. */
export function isEmpty(points: readonly TrendPoint[], { drawing }: Pick<Metric, "drawing">): boolean {
  const nothing = (one: Measured | null) =>
    one === null || one.value === null || (drawing === "bars" && one.value === 0);
  return points.every((point) => nothing(point) && nothing(point.before));
}

const MINUTE_MS = 60 * 1_000;
const HOUR_MS = 60 * MINUTE_MS;
const HOURS_BETWEEN = [1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336, 672];
const DAYS_BETWEEN = [1, 2, 3, 7, 14];
const MONTHS_BETWEEN = [1, 2, 3, 6, 12, 24, 60, 120];

/** The indices that get a label, at most `most`: round hours of the zone; days evenly spaced, or firsts of a month. */
export function labelled(
  points: readonly Pick<TrendPoint, "from">[],
  granularity: Granularity,
  zone: string,
  most: number,
): number[] {
  const last = points.length - 1;
  const places = (fits: (index: number) => boolean) =>
    points.flatMap((_, index) => (fits(index) ? [index] : []));
  if (granularity === "hour") {
    const hours = hoursOf(points, zone);
    const chosen = HOURS_BETWEEN.map((between) => places((index) => (hours[index] ?? 0) % between === 0));
    return chosen.find((indices) => indices.length > 0 && indices.length <= most) ?? [last];
  }
  // Days are counted back from the last.
  const days = DAYS_BETWEEN.map((between) => places((index) => (last - index) % between === 0));
  const fitting = days.find((indices) => indices.length <= most);
  if (fitting !== undefined) return fitting;
  const months = points.map(({ from }) => monthsOf(from, zone));
  const firsts = MONTHS_BETWEEN.map((between) =>
    places((index) => (months[index] ?? Number.NaN) % between === 0),
  );
  return firsts.find((indices) => indices.length > 0 && indices.length <= most) ?? [last];
}

/** As many hours as are looked at together: clocks change twice a year. */
const HOURS_TOGETHER = 24;

/** The hours on the zone's wall clock since the first of January 1970. */
function hoursOf(points: readonly Pick<TrendPoint, "from">[], zone: string): number[] {
  const times = points.map(({ from }) => Date.parse(from));
  const offset = (index: number) => offsetAt(zone, new Date(times[index] ?? 0)) * MINUTE_MS;
  // An offset is expensive to find, and seldom changes: it is the same between two hours of a day that have the same.
  return times
    .map((_, index) => index)
    .flatMap((first) => {
      if (first % HOURS_TOGETHER !== 0) return [];
      const group = times.slice(first, first + HOURS_TOGETHER);
      const [start, end] = [offset(first), offset(first + group.length - 1)];
      return group.map((time, place) =>
        Math.floor((time + (start === end ? start : offset(first + place))) / HOUR_MS),
      );
    });
}

/** The months since January of year 0, at the first day of one; null on other days. */
function monthsOf(start: string, zone: string): number | null {
  const { year, month, day } = zonedAt(zone, new Date(start));
  return day === 1 ? year * 12 + month - 1 : null;
}
