// The values of a card's small chart. Pure.

import type { Bucket, Figures } from "../api/answers";
import { type Measure, measured, metricOf, totalOf } from "./chartOfMetric";

export interface Sparkline {
  drawing: "bars" | "line";
  /** Null where there is nothing to be a rate of. */
  values: readonly (number | null)[];
  /** Whether the last value still grows. */
  open: boolean;
}

/** More values than this are noise in a drawing that small. */
const VALUES_MAX = 48;

export function sparklineOf(kpi: Measure, series: readonly (Pick<Bucket, "open"> & Figures)[]): Sparkline {
  const metric = metricOf(kpi, series[0]);
  const closed = series.filter(({ open }) => !open);
  const together = Math.ceil(series.length / VALUES_MAX);
  if (together > 1) {
    const groups = Array.from({ length: Math.ceil(closed.length / together) }, (_, index) =>
      closed.slice(index * together, (index + 1) * together).map((bucket) => measured(bucket, metric)),
    );
    // A count is that of a mean bucket, so that a smaller group isn't a lower bar.
    const values = groups.map((group) => {
      const { value } = totalOf(group, metric);
      return value === null || metric.drawing === "line" ? value : value / group.length;
    });
    return { drawing: metric.drawing, values, open: false };
  }
  // A rate of a few minutes jumps; it is shown only if there is nothing else.
  const shown = metric.drawing === "bars" || closed.length === 0 ? series : closed;
  const values = shown.map((bucket) => measured(bucket, metric).value);
  return { drawing: metric.drawing, values, open: shown.at(-1)?.open ?? false };
}
