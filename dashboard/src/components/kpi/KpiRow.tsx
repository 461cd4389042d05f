// The row of KPI cards. The chosen one is the figure that the chart shows.

import { memo } from "react";
import { useTexts } from "../../texts/TextsContext";
import {
  type Bucket,
  type Comparison,
  figure,
  type Figures,
  type Kpi,
  type Overview,
} from "../../api/answers";
import { useChooseMetric, useWorkflowFigures } from "../../view/choosing";
import { changeOf, eventsIn, isWithoutData } from "../../view/kpi";
import type { Asked } from "../../view/questions";
import { uncoveredUntil } from "../../view/records";
import { PanelTrouble } from "../panel/PanelTrouble";
import { MetricKpiCard, MetricKpiCardSkeleton } from "./MetricKpiCard";

/** Rows of one height across all cards; in print and on wide screens all cards stand side by side. */
const GRID =
  "grid grid-cols-2 gap-3 transition-opacity *:first:col-span-2 md:grid-cols-6 md:*:col-span-2 md:*:first:col-span-2 md:*:nth-[n+4]:col-span-3 lg:gap-4 xl:auto-cols-fr xl:grid-flow-col xl:grid-cols-none xl:grid-rows-[repeat(4,auto)] xl:*:col-span-1! print:auto-cols-fr print:grid-flow-col print:grid-cols-none print:grid-rows-[repeat(4,auto)] print:gap-2 print:*:col-span-1!";

interface KpiRowProps {
  overview: Asked<Overview>;
  /** The key of the KPI that the chart shows. */
  chosen: string | undefined;
}

export function KpiRow({ overview, chosen }: KpiRowProps) {
  const choose = useChooseMetric();
  const ofWorkflow = useWorkflowFigures();
  const { kpi: words } = useTexts();
  const { data, error, isPlaceholderData } = overview;
  const body = data?.body;
  if (data === undefined && error !== null) {
    return (
      <section aria-label={words.row} className="rounded-xl border border-line bg-surface shadow-card">
        <PanelTrouble refusal={error} onRetry={() => void overview.refetch()} />
      </section>
    );
  }
  return (
    <section
      aria-label={words.row}
      aria-busy={data === undefined || isPlaceholderData}
      className={`${GRID} ${isPlaceholderData ? "opacity-50" : ""}`}
    >
      {body === undefined ? (
        Object.values(words.names).map((name) => <MetricKpiCardSkeleton key={name} name={name} />)
      ) : (
        <Cards
          kpis={body.summary.kpis}
          series={body.trends.series}
          previousSeries={body.trends.previousSeries ?? NOTHING}
          comparison={body.summary.comparison}
          uncovered={uncoveredUntil(body.summary)}
          chosen={chosen}
          ofWorkflow={ofWorkflow}
          choose={choose}
        />
      )}
    </section>
  );
}

const NOTHING: readonly Bucket[] = [];

interface CardsProps {
  kpis: readonly Kpi[];
  series: readonly Bucket[];
  previousSeries: readonly Bucket[];
  comparison: Comparison | null;
  /** Up to when what is compared with has no records; null if they cover it. */
  uncovered: string | null;
  chosen: string | undefined;
  /** A bucket of the view's workflow; undefined if the view is of all. */
  ofWorkflow: Figures | undefined;
  choose: (metric: string) => void;
}

/** Memoized: most answers have the numbers of the one before. */
const Cards = memo(function Cards(props: CardsProps) {
  const { kpis, series, previousSeries, comparison, uncovered, chosen, ofWorkflow, choose } = props;
  return kpis.map((kpi) => {
    const hadNothing = isWithoutData(kpi, previousSeries);
    return (
      <MetricKpiCard
        key={kpi.key}
        kpi={kpi}
        series={series}
        comparison={comparison}
        uncovered={uncovered}
        change={changeOf(kpi, hadNothing, eventsIn(kpi, series), uncovered === null)}
        withoutData={isWithoutData(kpi, series)}
        chosen={kpi.key === chosen}
        ofAll={ofWorkflow !== undefined && figure(ofWorkflow, kpi.key) !== null}
        onChoose={() => choose(kpi.key)}
      />
    );
  });
});
