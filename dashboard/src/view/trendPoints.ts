// The two series of the trend chart, and where its axis is labelled. Pure.

import { type Bucket, figure, type Granularity, type Trends } from "../api/answers";
import { wallOf } from "./zone";

/** A bucket as the chart draws it; `before` is the bucket of the same place in the period compared with. */
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
}: Pick<Trends, "series" | "previousSeries">): TrendPoint[] {
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

/** Whether there is anything to draw. */
export function isFlat(points: readonly TrendPoint[]): boolean {
  return points.every((point) => point.orders === 0 && point.payments === 0);
}

const HOURS_BETWEEN = [1, 2, 3, 4, 6, 12, 24, 48, 72, 168];
const DAYS_BETWEEN = [1, 2, 3, 7, 14, 28];

/** The places (indices) that get a label, at most `most`: whole days of the zone where hours are shown, else evenly. */
export function labelled(
  points: readonly TrendPoint[],
  granularity: Granularity,
  zone: string,
  most: number,
): number[] {
  const all = points.map((_, index) => index);
  const places = (between: number) => {
    if (granularity === "day") return all.filter((index) => (points.length - 1 - index) % between === 0);
    return all.filter((index) => isLabelledHour(points[index]?.start ?? "", zone, between));
  };
  const choices = granularity === "hour" ? HOURS_BETWEEN : DAYS_BETWEEN;
  const fits = choices.map(places).find((chosen) => chosen.length <= most);
  return fits ?? all.slice(-1);
}

/** Whether the hour is a multiple of `between`; beyond a day, whether it begins a day that is. */
function isLabelledHour(start: string, zone: string, between: number): boolean {
  const wall = wallOf(zone, new Date(start));
  const hour = Number(wall.slice(11, 13));
  if (between <= 24) return hour % between === 0;
  const day = Math.round(Date.parse(`${wall.slice(0, 10)}T00:00:00Z`) / 86_400_000);
  return hour === 0 && day % (between / 24) === 0;
}
