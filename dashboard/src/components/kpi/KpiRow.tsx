// The row of KPI cards. The chosen one is the figure that the chart shows.

import { useTexts } from "../../texts/TextsContext";
import { figure, type Overview } from "../../api/answers";
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
      {data === undefined
        ? Object.values(words.names).map((name) => <MetricKpiCardSkeleton key={name} name={name} />)
        : data.body.summary.kpis.map((kpi) => {
            const { series, previousSeries = [] } = data.body.trends;
            const uncovered = uncoveredUntil(data.body.summary);
            const hadNothing = isWithoutData(kpi, previousSeries);
            return (
              <MetricKpiCard
                key={kpi.key}
                kpi={kpi}
                series={series}
                comparison={data.body.summary.comparison}
                uncovered={uncovered}
                change={changeOf(kpi, hadNothing, eventsIn(kpi, series), uncovered === null)}
                withoutData={isWithoutData(kpi, series)}
                chosen={kpi.key === chosen}
                ofAll={ofWorkflow !== undefined && figure(ofWorkflow, kpi.key) !== null}
                onChoose={() => choose(kpi.key)}
              />
            );
          })}
    </section>
  );
}
