// The geometry of the trend chart: where a bucket and a value are in the drawing. Pure.

import { type Axis, axisOf } from "./chartOfAxis";
import type { Metric } from "./chartOfMetric";
import { linear } from "./scale";
import type { TrendPoint } from "./trendPoints";

export interface Size {
  width: number;
  height: number;
  /** How many pixels stand for one: the drawing grows with the text. */
  unit: number;
}

export interface Plot extends Size {
  /** The edges of the drawing area. */
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** The width of a bucket. */
  step: number;
  /** The width of a bucket's bar. */
  bar: number;
  /** Whether buckets are so narrow that only an outline of them can be seen. */
  dense: boolean;
  axis: Axis;
  /** The words at the axis' steps. */
  labels: readonly string[];
  /** The middle of a bucket, by its index. */
  x: (index: number) => number;
  y: (value: number) => number;
  /** The index of the bucket at this place. */
  indexAt: (x: number) => number;
}

interface Content {
  points: readonly TrendPoint[];
  metric: Metric;
  /** Values that are in the axis, if that leaves enough of it for the points. */
  limits?: readonly number[];
  /** Whether percentiles are drawn. */
  percentiles?: boolean;
  /** Writes a step of the axis; `step` is how far it is to the next. */
  written: (value: number, step: number) => string;
}

/** Widths and heights, in units. */
/** Of a wide font; the narrowest would do with less. */
const CHARACTER = 7.8;
const ABOVE = 25;
const BELOW = 26;
const BETWEEN_STEPS = 52;
const BAR_SHARE = 0.72;
const BAR_MAX = 64;
/** A bar of less than this can't be told from the next. */
const DENSE_BELOW = 3;
/** At the right end: half of a label, or the names of percentiles. */
const BESIDE = 8;
const BESIDE_WITH_NAMES = 32;

export function plotOf(
  { points, metric, limits = [], percentiles = false, written }: Content,
  size: Size,
): Plot {
  const { width, height, unit } = size;
  const [top, bottom] = [ABOVE * unit, height - BELOW * unit];
  const count = Math.min(5, Math.max(2, Math.round((bottom - top) / (BETWEEN_STEPS * unit))));
  const values = points.flatMap((point) => [
    point.value,
    point.before?.value ?? null,
    ...(percentiles ? point.percentiles : []),
  ]);
  const axis = axisOf(
    values.filter((value) => value !== null),
    { unit: metric.unit, drawing: metric.drawing, limits, count },
  );
  const between = (axis.steps[1] ?? axis.high) - axis.low;
  const labels = axis.steps.map((value) => written(value, between));
  const longest = Math.max(...labels.map((label) => label.length));
  const left = (longest * CHARACTER + 10) * unit;
  const right = Math.max(left + 1, width - (percentiles ? BESIDE_WITH_NAMES : BESIDE) * unit);
  const buckets = Math.max(1, points.length);
  const step = (right - left) / buckets;
  return {
    ...{ width, height, unit, left, right, top, bottom, step, axis, labels },
    bar: Math.min(step * BAR_SHARE, BAR_MAX * unit),
    dense: step < DENSE_BELOW * unit,
    x: (index) => left + (index + 0.5) * step,
    y: linear([axis.low, axis.high], [bottom, top]),
    indexAt: (x) => Math.min(buckets - 1, Math.max(0, Math.floor((x - left) / step))),
  };
}

/** Where an instant is in the drawing; one outside of the points is at the nearest edge. */
export function placeOf(instant: string, points: readonly TrendPoint[], { left, right, step }: Plot): number {
  const time = Date.parse(instant);
  const index = points.findIndex(({ to }) => time < Date.parse(to));
  const point = points[index];
  if (point === undefined) return right;
  const from = Date.parse(point.from);
  const share = Math.max(0, (time - from) / (Date.parse(point.to) - from));
  return left + (index + share) * step;
}
