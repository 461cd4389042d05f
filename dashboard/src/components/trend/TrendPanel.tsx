// The panel with the view's metric over time: a chart, or a table with the same numbers.

import { CalendarOff, Info } from "lucide-react";
import { type ComponentProps, lazy, memo, type Ref, useState } from "react";
import type { Overview } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { selectedInterval, type Selection } from "../../view/chartOfSelection";
import { kpiName } from "../../view/kpiWords";
import type { Asked } from "../../view/questions";
import type { Shown } from "../../view/shown";
import { isEmpty } from "../../view/trendPoints";
import { metricIn } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { Panel } from "../panel/Panel";
import { Blank } from "../parts/Blank";
import { Later } from "../parts/Later";
import { Remark } from "../parts/Remark";
import { TrendChart } from "./TrendChart";
import { type Shape, TrendControls } from "./TrendControls";
import { useSize } from "./useSize";
import { type Trend, useTrend } from "./useTrend";
import { useTrendMenu } from "./useTrendMenu";
import { useZoom } from "./useZoom";

const TrendTable = lazy(async () => ({ default: (await import("./TrendTable")).TrendTable }));

interface TrendPanelProps {
  overview: Asked<Overview>;
  shown: Shown;
}

export const TrendPanel = memo(function TrendPanel({ overview, shown }: TrendPanelProps) {
  const { view } = usePlace();
  const texts = useTexts();
  const [shape, setShape] = useState<Shape>("chart");
  const [percentiles, setPercentiles] = useState(true);
  // The chart takes the skeleton's place: with its size, the chart is drawn before anything of it is measured.
  const [place, room] = useSize(false);
  const { zoomIn, zoomOut } = useZoom();
  const trend = useTrend(overview.data?.body, shown);
  const { menu, remark } = useTrendMenu({ trend, percentiles, shape, onShape: setShape, zoomOut });
  const onZoom = (selection: Selection) => {
    const interval = trend && selectedInterval(trend.points, selection);
    if (interval !== null) zoomIn(interval);
  };
  return (
    <Panel
      name="trend"
      title={trend?.name ?? kpiName(texts, { key: metricIn(view), label: texts.trend.title })}
      asked={shown.asked}
      remark={trend && <Whose trend={trend} />}
      controls={<TrendControls range={trend?.range} shape={shape} onShape={setShape} zoomOut={zoomOut} />}
      menu={menu}
      skeleton={<Skeleton place={place} />}
    >
      {() => {
        if (trend === null) return <Skeleton />;
        const chart = { room, percentiles, onPercentiles: setPercentiles, onZoom };
        return (
          <>
            <Remark words={remark} />
            <Content trend={trend} shape={shape} {...chart} />
          </>
        );
      }}
    </Panel>
  );
});

type ContentProps = ComponentProps<typeof TrendChart> & { shape: Shape };

function Content({ shape, ...chart }: ContentProps) {
  const { trend } = chart;
  if (shape === "table") {
    return (
      <Later waiting={<Skeleton />}>
        <TrendTable trend={trend} onZoom={chart.onZoom} />
      </Later>
    );
  }
  if (isEmpty(trend.points, trend.metric)) return <Nothing trend={trend} />;
  return <TrendChart {...chart} />;
}

/** Whose numbers these are, and why they are not of the metric that was asked for. */
function Whose({ trend: { workflow, instead } }: { trend: Trend }) {
  const { trend } = useTexts();
  return (
    <>
      {workflow !== null && (
        <span className="min-w-0 text-sm text-muted">
          {trend.ofWorkflow(workflow.workflowName ?? workflow.workflowId)}
        </span>
      )}
      {instead !== null && (
        <span role="note" className="flex items-center gap-1.5 text-xs text-muted">
          <Info className="size-3.5" />
          {instead}
        </span>
      )}
    </>
  );
}

/** As tall as legend and chart. */
function Skeleton({ place }: { place?: Ref<HTMLDivElement> }) {
  return <div ref={place} className="skeleton h-88 lg:h-96" />;
}

function Nothing({ trend: { kpi, speech } }: { trend: Trend }) {
  const { kpi: words, trend } = speech.texts;
  return (
    <div className="flex h-88 flex-col lg:h-96 print:h-auto">
      <Blank icon={CalendarOff} title={words.without[kpi.base.noun] ?? words.withoutAny}>
        {trend.empty}
      </Blank>
    </div>
  );
}
