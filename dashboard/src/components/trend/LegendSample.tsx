// How a legend's item is drawn in the chart, in small.

import { type LegendItem, SAMPLE, sampleOf } from "../../view/chartOfLegend";
import { Marks } from "./Marks";

export function LegendSample({ item }: { item: Pick<LegendItem, "sample" | "ink"> }) {
  return (
    <svg viewBox={`0 0 ${SAMPLE.width} ${SAMPLE.height}`} className="h-3 w-5 shrink-0" aria-hidden="true">
      <Marks marks={sampleOf(item)} unit={1} />
    </svg>
  );
}
