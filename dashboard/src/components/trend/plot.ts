// The geometry of the trend chart: where a bucket and a count are in the drawing.

import { linear, roundSteps } from "../../view/scale";
import type { TrendPoint } from "../../view/trendPoints";

/** Maps a bucket's index and a count to pixels; the edges of the drawing area, in pixels. */
export interface Plot {
  x: (index: number) => number;
  y: (count: number) => number;
  counts: number[];
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** Pixels per rem, divided by 16: the drawing grows with the text. */
  unit: number;
}

/** The geometry of these points in a drawing of this size. */
export function plotOf(points: readonly TrendPoint[], width: number, height: number): Plot {
  const unit = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
  const [left, right, top, bottom] = [44 * unit, width - 10 * unit, 18 * unit, height - 26 * unit];
  const most = Math.max(
    1,
    ...points.flatMap(({ orders, payments, before }) => [
      orders,
      payments,
      before?.orders ?? 0,
      before?.payments ?? 0,
    ]),
  );
  const counts = roundSteps(most, 4);
  const y = linear([0, counts.at(-1) ?? most], [bottom, top]);
  const x = linear([0, points.length - 1], [left, right]);
  return { x, y, counts, left, right, top, bottom, unit };
}
