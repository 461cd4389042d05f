// What is drawn in the trend chart, as plain marks: the page draws them as SVG, the picture on a canvas. Pure.
//
// Lines go straight from value to value, and have gaps where there is none. What is filled stands on zero.

import type { Severity } from "../api/answers";
import type { Metric } from "./chartOfMetric";
import { placeOf, type Plot } from "./chartOfPlot";
import type { TrendPoint } from "./trendPoints";

/** What a mark is drawn with; each place that draws has a colour for it. */
export type Ink =
  "series" | "before" | "grid" | "zero" | "label" | "surface" | "info" | "warning" | "critical";

/** Names a mark in the page, for tests: `data-bar`. */
type Names = Readonly<Record<string, string>>;

export type Mark = { ink: Ink; opacity?: number; names?: Names } & (
  | { kind: "rect"; x: number; y: number; width: number; height: number; look: "solid" | "hatched" }
  /** Only straight lines: M, L, H, V, Z. */
  | { kind: "path"; d: string; look: "stroke" | "fill"; width: number; dash?: readonly number[] }
  | { kind: "line"; x1: number; y1: number; x2: number; y2: number; width: number; dash?: readonly number[] }
  | { kind: "dot"; x: number; y: number; radius: number; hollow: boolean }
  | { kind: "text"; x: number; y: number; text: string; anchor: "start" | "middle" | "end"; halo?: boolean }
);

/** A value that alerts are judged by. */
export interface Limit {
  value: number;
  severity: Exclude<Severity, "healthy">;
  label: string;
}

/** A time that an insight speaks of. */
export interface Period {
  from: string;
  to: string;
  severity: "info" | "warning" | "critical";
}

export interface Words {
  open: string;
  /** Says where a fitted axis begins. */
  fitted: (low: string) => string;
  /** The label of a bucket on the time axis. */
  tick: (point: TrendPoint) => string;
}

export interface Drawn {
  points: readonly TrendPoint[];
  metric: Metric;
  plot: Plot;
  /** The buckets that get a label. */
  labelled: readonly number[];
  limits: readonly Limit[];
  periods: readonly Period[];
  percentiles: boolean;
  words: Words;
}

/** Sizes, in units. */
const TEXT = 12;
const CHARACTER = 7.8;
/** With more points than this, dots would touch. */
const DOTS_MAX = 36;
const DOT = 2.75;
const LINE = 2.25;
/** The same where points are so close that thick ones would be a blot. */
const DENSE_DOT = 1;
const DENSE_LINE = 1.25;
/** The least width of what is hatched: two lines of it. Beside the drawing area there is room for as much. */
const BAND_MIN = 8;
/** The opacity of a narrow bar that still grows. */
const OPEN = 0.45;

/** In the order in which they are drawn. */
export function marksOf(drawn: Drawn): Mark[] {
  const { metric } = drawn;
  return [
    ...grid(drawn),
    ...(metric.drawing === "line" || drawn.plot.dense ? openBand(drawn) : []),
    ...periods(drawn),
    ...limitLines(drawn),
    ...(metric.drawing === "bars" ? [...bars(drawn), ...marksBefore(drawn)] : lines(drawn)),
    ...limitLabels(drawn),
    ...timeAxis(drawn),
    ...remarks(drawn),
  ];
}

function grid({ plot }: Drawn): Mark[] {
  const { axis, labels, left, right, unit, y } = plot;
  return axis.steps.flatMap((value, index): Mark[] => {
    const at = y(value);
    const line = { kind: "line", x1: left, y1: at, x2: right, y2: at, width: unit } as const;
    return [
      value === 0 ? { ...line, ink: "zero", names: { "data-zero": "" } } : { ...line, ink: "grid" },
      { kind: "text", ink: "label", x: left - 8 * unit, y: at, text: labels[index] ?? "", anchor: "end" },
    ];
  });
}

function timeAxis({ plot, points, labelled, words }: Drawn): Mark[] {
  const { unit, bottom, width, x } = plot;
  return labelled.flatMap((index): Mark[] => {
    const point = points[index];
    if (point === undefined) return [];
    const text = words.tick(point);
    const half = (text.length * CHARACTER * unit) / 2;
    // A label of the first or the last bucket stays within the drawing.
    const at = Math.max(half, Math.min(width - half, x(index)));
    return [{ kind: "text", ink: "label", x: at, y: bottom + 16 * unit, text, anchor: "middle" }];
  });
}

/** What a fitted axis begins with, and that the last bucket is open. */
function remarks({ plot, points, words }: Drawn): Mark[] {
  const { axis, labels, unit, top, right } = plot;
  const text = { kind: "text", ink: "label", y: top - 16 * unit } as const;
  const marks: Mark[] = [];
  if (axis.fitted) {
    const names = { "data-fitted": "" };
    marks.push({ ...text, x: 0, text: words.fitted(labels[0] ?? ""), anchor: "start", names });
  }
  if (points.at(-1)?.open === true) marks.push({ ...text, x: right, text: words.open, anchor: "end" });
  return marks;
}

function bars({ plot, points }: Drawn): Mark[] {
  const { bar, bottom, dense, step, unit, x, y } = plot;
  if (dense) {
    const area = (from: number, to: number) => {
      const tops = points.slice(from, to).map(({ value }, index) => {
        return `V${n(y(value ?? 0))}H${n(plot.left + (from + index + 1) * step)}`;
      });
      return `M${n(plot.left + from * step)} ${n(bottom)}${tops.join("")}V${n(bottom)}Z`;
    };
    const look = { kind: "path", ink: "series", look: "fill", width: 0 } as const;
    const closed = points.at(-1)?.open === true ? points.length - 1 : points.length;
    const marks: Mark[] = [{ ...look, d: area(0, closed), names: { "data-area": "" } }];
    // Too narrow to be hatched, so the band behind it is, and it is as faint as a bar that still grows.
    if (closed < points.length) marks.push({ ...look, d: area(closed, points.length), opacity: OPEN });
    return marks;
  }
  return points.map((point, index): Mark => {
    const top = y(point.value ?? 0);
    const names = { "data-bar": point.from, ...(point.open ? { "data-open": "" } : {}) };
    // What isn't 0 is seen, however small.
    const height = point.value === 0 ? 0 : Math.max(bottom - top, unit);
    return {
      ...{ kind: "rect", ink: "series", names, look: point.open ? "hatched" : "solid" },
      ...{ x: x(index) - bar / 2, y: bottom - height, width: bar, height },
    };
  });
}

/** How high the bars before were: a mark across each bucket, seen on the bar as well as above it. */
function marksBefore({ plot, points }: Drawn): Mark[] {
  const { bar, dense, step, unit, x, y } = plot;
  const compared = points.flatMap(({ from, before }, index) =>
    before?.value == null ? [] : [{ from, x: x(index), y: y(before.value) }],
  );
  if (compared.length === 0) return [];
  const stroke = { kind: "path", look: "stroke" } as const;
  const reach = dense ? step / 2 : Math.min(step / 2 - 0.5 * unit, bar / 2 + 2.5 * unit);
  const across = (place: Place) => `${n(place.x - reach)} ${n(place.y)}H${n(place.x + reach)}`;
  if (dense) {
    const d = compared.map((place, index) => `${index === 0 ? "M" : "L"}${across(place)}`).join("");
    return [{ ...stroke, ink: "before", width: unit, d, names: { "data-line": "before" } }];
  }
  const around = compared.map((place) => `M${across(place)}`).join("");
  const marks = compared.map((place): Mark => {
    const names = { "data-before": place.from };
    return { ...stroke, ink: "before", width: 2 * unit, d: `M${across(place)}`, names };
  });
  return [{ ...stroke, ink: "surface", width: 4.5 * unit, d: around }, ...marks];
}

function lines({ plot, points, metric, percentiles }: Drawn): Mark[] {
  const { unit, dense } = plot;
  const [width, dot] = dense ? [DENSE_LINE * unit, DENSE_DOT * unit] : [LINE * unit, DOT * unit];
  const now = places(plot, points, ({ value, open }) => (open ? null : value));
  const before = places(plot, points, (point) => point.before?.value ?? null);
  const names = (line: string) => ({ "data-line": line });
  return [
    ...(percentiles ? percentileLines(plot, points, metric) : []),
    ...line(before, {
      ink: "before",
      width: 1.75 * unit,
      dash: [5 * unit, 3 * unit],
      names: names("before"),
    }),
    ...dots(before, points.length, { ink: "before", radius: 2 * unit, hollow: false, lone: true }),
    ...line(now, { ink: "series", width, names: names("now") }),
    ...dots(now, points.length, { ink: "series", radius: dot, hollow: false, lone: false }),
    ...openEnd(plot, points, now),
  ];
}

/** The dashed way to the open bucket, and its hollow dot: its value isn't final. */
function openEnd(plot: Plot, points: readonly TrendPoint[], now: readonly (Place | null)[]): Mark[] {
  const { unit, x, y } = plot;
  const index = points.length - 1;
  const point = points[index];
  if (point === undefined || !point.open || point.value === null) return [];
  const end = { x: x(index), y: y(point.value) };
  const dot: Mark = { kind: "dot", ink: "series", ...end, radius: (DOT + 0.75) * unit, hollow: true };
  const start = now[index - 1] ?? null;
  if (start === null) return [dot];
  const style = { ink: "series", width: LINE * unit, dash: [4 * unit, 4 * unit] } as const;
  return [...line([start, end], { ...style, names: { "data-line": "open" } }), dot];
}

function percentileLines(plot: Plot, points: readonly TrendPoint[], metric: Metric): Mark[] {
  const { right, unit } = plot;
  const faint = { ink: "series", opacity: 0.55 } as const;
  let below = Number.POSITIVE_INFINITY;
  return metric.percentiles.flatMap(({ name, label }, index): Mark[] => {
    const all = places(plot, points, ({ percentiles }) => percentiles[index] ?? null);
    const marks = [
      ...line(all, { ...faint, width: 1.25 * unit, names: { "data-line": name } }),
      ...dots(all, points.length, { ...faint, radius: 1.75 * unit, hollow: false, lone: true }),
    ];
    const end = all.findLast((place) => place !== null)?.y;
    if (end === undefined) return marks;
    // A higher percentile isn't less, so its name is at least a line above the one before.
    below = Math.min(end, below - TEXT * unit);
    return [
      ...marks,
      { kind: "text", ink: "label", x: right + 4 * unit, y: below, text: label, anchor: "start" },
    ];
  });
}

/** Behind lines, and behind bars that are too narrow for it, the bucket that is still open is hatched. */
function openBand({ plot, points }: Drawn): Mark[] {
  if (points.at(-1)?.open !== true) return [];
  const { right, step, top, bottom, unit } = plot;
  // Beyond the last bucket there is room for a narrow one to be seen.
  const band = { x: right - step, y: top, width: Math.max(step, BAND_MIN * unit), height: bottom - top };
  return [
    { kind: "rect", ink: "label", opacity: 0.25, look: "hatched", ...band, names: { "data-open": "" } },
  ];
}

/** More of the drawing than this is no particular time. */
const PERIOD_MAX_SHARE = 0.9;

/** Along the top: when something unusual was, of which an insight speaks. */
function periods({ plot, points, periods: all }: Drawn): Mark[] {
  const { left, right, top, unit } = plot;
  return all.flatMap(({ from, to, severity }): Mark[] => {
    const [start, end] = [placeOf(from, points, plot), placeOf(to, points, plot)];
    if (end <= start || end - start > (right - left) * PERIOD_MAX_SHARE) return [];
    const place = { x: start, y: top - 4 * unit, width: Math.max(end - start, 2 * unit), height: 3 * unit };
    return [{ kind: "rect", look: "solid", ink: severity, ...place, names: { "data-period": from } }];
  });
}

function limitLines({ plot, limits }: Drawn): Mark[] {
  const { left, right, unit, y } = plot;
  return shownLimits(plot, limits).map(({ value, severity }): Mark => {
    const at = { x1: left, y1: y(value), x2: right, y2: y(value) };
    const dash = severity === "critical" ? [8 * unit, 3 * unit] : [3 * unit, 3 * unit];
    return {
      kind: "line",
      ink: severity,
      ...at,
      width: 1.25 * unit,
      dash,
      names: { "data-limit": severity },
    };
  });
}

/** Where nothing else is drawn, and not near each other: the legend has the words for all. */
function limitLabels({ plot, limits, points }: Drawn): Mark[] {
  const { left, right, step, top, unit, y } = plot;
  const shown = shownLimits(plot, limits);
  const lines = [
    places(plot, points, ({ value }) => value),
    places(plot, points, ({ before }) => before?.value ?? null),
  ];
  const end = points.at(-1)?.open === true ? right - step : right;
  return shown.flatMap(({ value, severity, label }, index): Mark[] => {
    const at = y(value);
    if (shown.slice(0, index).some((other) => Math.abs(y(other.value) - at) < TEXT * 1.2 * unit)) return [];
    const middle = at + (at - 7 * unit > top ? -7 : 8) * unit;
    const width = label.length * CHARACTER * unit;
    const starts = [left + 4 * unit, (left + end - width) / 2, end - width - 4 * unit];
    const x = starts.find((start) => {
      const box = { x: start, width, y: middle - TEXT * unit * 0.7, height: TEXT * unit * 1.4 };
      return start >= left && !lines.some((line) => isCrossed(box, line));
    });
    if (x === undefined) return [];
    return [{ kind: "text", ink: severity, x, y: middle, text: label, anchor: "start", halo: true }];
  });
}

interface Box extends Place {
  width: number;
  height: number;
}

/** Whether a line goes through a box. */
function isCrossed(box: Box, line: readonly (Place | null)[]): boolean {
  return line.some((end, index) => {
    if (end === null) return false;
    const start = line[index - 1] ?? end;
    const [from, to] = [Math.max(start.x, box.x), Math.min(end.x, box.x + box.width)];
    if (from > to) return false;
    const slope = end.x === start.x ? 0 : (end.y - start.y) / (end.x - start.x);
    const heights = [from, to].map((x) => end.y + (x - end.x) * slope);
    return Math.max(...heights) >= box.y && Math.min(...heights) <= box.y + box.height;
  });
}

function shownLimits({ axis }: Plot, limits: readonly Limit[]): Limit[] {
  return limits.filter(({ value }) => axis.limits.includes(value));
}

interface Place {
  x: number;
  y: number;
}

function places(
  { x, y }: Plot,
  points: readonly TrendPoint[],
  valueOf: (point: TrendPoint) => number | null,
): (Place | null)[] {
  return points.map((point, index) => {
    const value = valueOf(point);
    return value === null ? null : { x: x(index), y: y(value) };
  });
}

interface Stroke {
  ink: Ink;
  width: number;
  dash?: readonly number[];
  opacity?: number;
  names: Names;
}

/** Straight from place to place; interrupted where there is none. */
function line(all: readonly (Place | null)[], stroke: Stroke): Mark[] {
  const d = all.flatMap((place, index) => {
    if (place === null) return [];
    return [`${(all[index - 1] ?? null) === null ? "M" : "L"}${n(place.x)} ${n(place.y)}`];
  });
  return d.length === 0 ? [] : [{ kind: "path", look: "stroke", d: d.join(""), ...stroke }];
}

/** Dots of a line; `lone` leaves only those that no line goes to. */
function dots(
  all: readonly (Place | null)[],
  count: number,
  {
    lone,
    ...look
  }: Pick<Mark & { kind: "dot" }, "ink" | "radius" | "hollow" | "opacity"> & { lone: boolean },
): Mark[] {
  return all.flatMap((place, index): Mark[] => {
    if (place === null) return [];
    const alone = (all[index - 1] ?? null) === null && (all[index + 1] ?? null) === null;
    return alone || (!lone && count <= DOTS_MAX) ? [{ kind: "dot", ...place, ...look }] : [];
  });
}

/** A hundredth of a pixel is exact enough. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
