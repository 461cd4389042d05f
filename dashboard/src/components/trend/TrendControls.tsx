// What a person can change of the chart: how wide its buckets are, whether it is a table, and back out of a zoom.

import { ChartColumn, Table2, ZoomOut } from "lucide-react";
import type { Granularity, Interval, Range } from "../../api/answers";
import { serverNow } from "../../api/serverClock";
import { useTexts } from "../../texts/TextsContext";
import { intervalOf } from "../../view/period";
import type { View } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { allows, unasked } from "../../view/width";
import { Segmented } from "../parts/Segmented";

export type Shape = "chart" | "table";

interface TrendControlsProps {
  /** The answer's range; undefined before it. */
  range: Range | undefined;
  shape: Shape;
  onShape: (shape: Shape) => void;
  /** Null unless the period was zoomed to. */
  zoomOut: (() => void) | null;
}

export function TrendControls({ range, shape, onShape, zoomOut }: TrendControlsProps) {
  const { trend } = useTexts();
  return (
    <>
      {zoomOut !== null && (
        <button type="button" className="control print:hidden" onClick={zoomOut}>
          <ZoomOut />
          {trend.zoomOut}
        </button>
      )}
      <Widths range={range} />
      <Segmented<Shape>
        label={trend.shape}
        choices={trend.shapes}
        chosen={shape}
        onChoose={onShape}
        picture={(choice) => (choice === "chart" ? <ChartColumn /> : <Table2 />)}
      />
    </>
  );
}

/** Hours or days. Before the answer it is there as it will be, so that nothing moves. */
function Widths({ range }: { range: Range | undefined }) {
  const { view, change } = usePlace();
  const { trend } = useTexts();
  const interval = range ?? expectedOf(view);
  const hasChoice = allows("hour", interval) && allows("day", interval);
  if (!hasChoice && view.granularity === null) return null;
  return (
    <Segmented<Granularity>
      label={trend.width}
      choices={trend.widths}
      chosen={view.granularity ?? range?.granularity ?? unasked(interval)}
      onChoose={(granularity) => change({ granularity })}
    />
  );
}

function expectedOf({ period, zone }: View): Interval {
  const { from, to } = intervalOf(period, zone, serverNow());
  return { from: from.toISOString(), to: to.toISOString() };
}
