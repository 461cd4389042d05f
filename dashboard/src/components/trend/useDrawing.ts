// The trend's drawing in a size: its geometry, and its marks.

import { useMemo } from "react";
import { type Mark, marksOf, type Words } from "../../view/chartOfMarks";
import { type Plot, plotOf, type Size } from "../../view/chartOfPlot";
import { stepIn, tickIn } from "../../view/chartOfWords";
import { labelled } from "../../view/trendPoints";
import type { Trend } from "./useTrend";

/** The width of a character of a label, and what is between two labels, in units. */
const CHARACTER = 7.4;
const BETWEEN = 12;

export interface Drawing {
  plot: Plot;
  marks: readonly Mark[];
}

export function useDrawing(trend: Trend, percentiles: boolean, { width, height, unit }: Size): Drawing {
  const { points, metric, limits, insights, speech, range, zone } = trend;
  return useMemo(
    () =>
      drawingOf({ points, metric, limits, insights, speech, range, zone }, percentiles, {
        width,
        height,
        unit,
      }),
    [points, metric, limits, insights, speech, range, zone, percentiles, width, height, unit],
  );
}

type Drawn = Pick<Trend, "points" | "metric" | "limits" | "insights" | "speech" | "range" | "zone">;

export function drawingOf(trend: Drawn, percentiles: boolean, size: Size): Drawing {
  const { points, metric, limits, insights, speech, range, zone } = trend;
  const { trend: texts } = speech.texts;
  const plot = plotOf(
    {
      ...{ points, metric, percentiles: percentiles && metric.percentiles.length > 0 },
      limits: limits.map(({ value }) => value),
      written: (value, step) => stepIn(speech, value, step, metric),
    },
    size,
  );
  const start = points[0]?.from ?? range.from;
  const ticks = [speech.formats.tick(start, range.granularity), speech.formats.tick(start, "day")];
  const label = (Math.max(...ticks.map(({ length }) => length)) * CHARACTER + BETWEEN) * size.unit;
  const most = Math.max(2, Math.floor((plot.right - plot.left) / label));
  const words: Words = {
    open: texts.open,
    fitted: texts.fitted,
    tick: (point) => tickIn(speech, point, range, zone),
  };
  const marks = marksOf({
    ...{ points, metric, plot, limits, words },
    percentiles: percentiles && metric.percentiles.length > 0,
    labelled: labelled(points, range.granularity, zone, most),
    periods: insights.map(({ period, severity }) => ({ ...period, severity })),
  });
  return { plot, marks };
}
