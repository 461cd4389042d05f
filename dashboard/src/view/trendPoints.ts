// The points of the trend chart, and which of them get a label. Pure.

import { type Bucket, figure, type Granularity, type Trends } from "../api/answers";
import { wallOf } from "./zone";

/** A bucket as the chart draws it; `before` is the bucket at the same index in the period compared with. */
export interface TrendPoint {
  start: string;
  open: boolean;
  orders: number;
  payments: number;
  before: { start: string; orders: number; payments: number } | null;
}

export function trendPoints({
  series,
  previousSeries,
}: Pick<Trends, "series"> & Partial<Pick<Trends, "previousSeries">>): TrendPoint[] {
  return series.map((bucket, index) => {
    const before = previousSeries?.[index];
    return {
      start: bucket.bucket,
      open: bucket.open,
      ...counted(bucket),
      before: before === undefined ? null : { start: before.bucket, ...counted(before) },
    };
  });
}

function counted(bucket: Bucket): { orders: number; payments: number } {
  return { orders: figure(bucket, "orders_created") ?? 0, payments: figure(bucket, "payments_total") ?? 0 };
}

/** Whether there is nothing to draw. */
export function isFlat(points: readonly TrendPoint[]): boolean {
  return points.every((point) => point.orders === 0 && point.payments === 0);
}

const HOUR_MS = 60 * 60 * 1_000;
const HOURS_BETWEEN = [1, 2, 3, 4, 6, 12, 24, 48, 72, 168, 336, 672];
const DAYS_BETWEEN = [1, 2, 3, 7, 14, 28];

/** The indices that get a label, at most `most`: round hours of the zone for hourly points, else evenly spaced. */
export function labelled(
  points: readonly TrendPoint[],
  granularity: Granularity,
  zone: string,
  most: number,
): number[] {
  const last = points.length - 1;
  const counts = granularity === "hour" ? points.map(({ start }) => hoursOf(start, zone)) : null;
  const choices = counts === null ? DAYS_BETWEEN : HOURS_BETWEEN;
  // Hours are labelled at multiples of the step in the zone's time; days are counted back from the last.
  const places = (between: number) =>
    points.flatMap((_, index) => ((counts?.[index] ?? last - index) % between === 0 ? [index] : []));
  return choices.map(places).find((chosen) => chosen.length <= most) ?? [last];
}

/** The hours on the zone's wall clock since the first of January 1970. */
function hoursOf(start: string, zone: string): number {
  return Math.floor(Date.parse(`${wallOf(zone, new Date(start))}:00Z`) / HOUR_MS);
}
