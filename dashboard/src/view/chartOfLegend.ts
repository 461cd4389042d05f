// The legend of the trend chart, the same beside the chart and in the picture. Pure.

import type { Comparison, Range } from "../api/answers";
import { type Metric, totalOf } from "./chartOfMetric";
import type { Ink, Limit, Mark } from "./chartOfMarks";
import type { Plot } from "./chartOfPlot";
import { partsIn, type Speech, valueIn } from "./chartOfWords";
import { namedIn } from "./comparing";
import { zoneOfDays } from "./formats";
import { uncoveredIn } from "./records";
import type { TrendPoint } from "./trendPoints";
import { isDayStart } from "./zone";

/** How a legend's sample is drawn. */
export type Sample = "bar" | "mark" | "line" | "dashed" | "dotted" | "faint";

export interface LegendItem {
  id: "now" | "before" | "limit";
  sample: Sample;
  ink: Ink;
  label: string;
  /** What the period has in all, in words; the number itself. */
  value?: string;
  total?: number | null;
  /** Further words: what the value is made of, which dates are meant. */
  note?: string;
}

interface Shown {
  name: string;
  points: readonly TrendPoint[];
  metric: Metric;
  range: Range;
  comparison: Comparison | null;
  /** Up to when what is compared with has no records; null if they cover it. */
  uncovered: string | null;
  limits: readonly Limit[];
  plot: Pick<Plot, "axis">;
}

export function legendOf(speech: Speech, shown: Shown): LegendItem[] {
  const { name, points, metric, range, comparison, uncovered, limits, plot } = shown;
  const { texts, formats } = speech;
  const isBars = metric.drawing === "bars";
  const before = points.flatMap((point) => point.before ?? []);
  const [now, then] = [totalOf(points, metric), totalOf(before, metric)];
  const items: LegendItem[] = [
    {
      ...{ id: "now", sample: isBars ? "bar" : "line", ink: "series", label: name },
      ...{ value: valueIn(speech, now.value, metric), total: now.value },
      ...noted(partsIn(speech, now, metric)),
    },
  ];
  if (comparison !== null && before.length > 0) {
    const { from, to } = comparison.previous;
    const byDays = range.granularity === "day" && isDayStart(zoneOfDays(range), new Date(from));
    const dates = formats.range({ from, to, granularity: byDays ? "day" : "hour" });
    items.push({
      ...{ id: "before", sample: isBars ? "mark" : "dashed", ink: "before" },
      label: texts.trend.compared[namedIn(comparison)],
      ...{ value: valueIn(speech, then.value, metric), total: then.value },
      note: uncovered === null ? dates : `${dates} · ${uncoveredIn(texts, formats, uncovered)}`,
    });
  }
  const marked = limits.map(({ value, severity, label }): LegendItem => {
    const sample = severity === "critical" ? "dashed" : "dotted";
    const outside = plot.axis.limits.includes(value) ? null : texts.trend.outside;
    return { id: "limit", sample, ink: severity, label, ...noted(outside) };
  });
  return [...items, ...marked];
}

function noted(note: string | null): Pick<LegendItem, "note"> {
  return note === null ? {} : { note };
}

/** The size that samples are drawn in. */
export const SAMPLE = { width: 20, height: 12 } as const;

/** An item's sample, as the chart draws it. */
export function sampleOf({ sample, ink }: Pick<LegendItem, "sample" | "ink">): Mark[] {
  const across = { kind: "path", look: "stroke", ink, d: "M0 6H20" } as const;
  switch (sample) {
    case "bar":
      return [{ kind: "rect", ink, look: "solid", x: 5, y: 0, width: 10, height: 12 }];
    case "mark":
      return [{ ...across, width: 2 }];
    case "line":
      return [
        { ...across, width: 2.25 },
        { kind: "dot", ink, x: 10, y: 6, radius: 3, hollow: false },
      ];
    case "dashed":
      return [{ ...across, width: 1.75, dash: [5, 3] }];
    case "dotted":
      return [{ ...across, width: 1.5, dash: [3, 3] }];
    case "faint":
      return [{ ...across, width: 1.25, opacity: 0.55 }];
  }
}
