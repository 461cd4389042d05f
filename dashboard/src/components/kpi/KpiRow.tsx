// The row of KPI cards.

import type { Summary, Trends } from "../../api/answers";
import type { Asked } from "../../view/questions";
import { historyOf, missingBasis } from "../../view/kpi";
import { PanelTrouble } from "../panel/PanelTrouble";
import { MetricKpiCard, MetricKpiCardSkeleton } from "./MetricKpiCard";

/** How many skeletons are shown before the answer; the API may send more KPIs. */
const USUAL_COUNT = 5;

interface KpiRowProps {
  summary: Asked<Summary>;
  trends: Asked<Trends>;
}

export function KpiRow({ summary, trends }: KpiRowProps) {
  const { data, error } = summary;
  if (data === undefined && error !== null) {
    return (
      <section aria-label="Key figures" className="rounded-xl border border-line bg-surface shadow-card">
        <PanelTrouble refusal={error} onRetry={() => void summary.refetch()} />
      </section>
    );
  }
  const series = data && trends.data && sameRange(data.body, trends.data.body) ? trends.data.body.series : [];
  return (
    <section
      aria-label="Key figures"
      aria-busy={data === undefined || summary.isPlaceholderData}
      className={`grid grid-cols-2 gap-3 transition-opacity *:first:col-span-2 md:grid-cols-6 md:*:col-span-2 md:*:nth-[n+4]:col-span-3 lg:gap-4 xl:auto-cols-fr xl:grid-flow-col xl:grid-cols-none xl:*:col-span-1! print:auto-cols-fr print:grid-flow-col print:grid-cols-none print:*:col-span-1! ${summary.isPlaceholderData ? "opacity-50" : ""}`}
    >
      {data === undefined
        ? Array.from({ length: USUAL_COUNT }, (_, index) => <MetricKpiCardSkeleton key={index} />)
        : data.body.kpis.map((kpi) => (
            <MetricKpiCard
              key={kpi.key}
              kpi={kpi}
              history={historyOf(kpi, series)}
              missing={missingBasis(kpi, series)}
            />
          ))}
    </section>
  );
}

/** Two answers of different moments may have different ranges; then their numbers must not be combined. */
function sameRange(one: Summary, other: Trends): boolean {
  return one.range.from === other.range.from && one.range.to === other.range.to;
}
