// The card of one KPI: its value, its change, its course, and a flag if it is beyond a threshold. It chooses the chart.

import type { ReactNode } from "react";
import type { Bucket, Comparison, Kpi } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import type { Change } from "../../view/kpi";
import { comparedWords, kpiDescription, kpiName } from "../../view/kpiWords";
import { uncoveredIn } from "../../view/records";
import { usePlace } from "../../view/ViewContext";
import { SeverityPill } from "../parts/SeverityPill";
import { KpiChange } from "./KpiChange";
import { Sparkline } from "./Sparkline";

/** Label, value, change and course: one row each, as tall as the tallest of all cards. */
const CARD =
  "row-span-4 grid min-w-0 grid-rows-subgrid gap-0 rounded-xl border bg-surface p-3 shadow-card sm:p-4 print:break-inside-avoid print:p-2 print:shadow-none";

interface MetricKpiCardProps {
  kpi: Kpi;
  series: readonly Bucket[];
  comparison: Comparison | null;
  /** Up to when what is compared with has no records; null if they cover it. */
  uncovered: string | null;
  change: Change;
  /** The range has nothing that it is a rate or a mean of. */
  withoutData: boolean;
  chosen: boolean;
  /** The chart shows a workflow's own values of it, so the card says that its value is of all. */
  ofAll: boolean;
  onChoose: () => void;
}

export function MetricKpiCard(props: MetricKpiCardProps) {
  const { kpi, series, comparison, uncovered, change, withoutData, chosen, ofAll, onChoose } = props;
  const { formats } = usePlace();
  const texts = useTexts();
  const { value, unit, text, exact } = formats.quantity(kpi.value, kpi);
  // What a short card leaves out.
  const hints = [
    !withoutData && exact !== text && texts.kpi.exactly(exact),
    change.kind === "tenfold" && formats.change(change.percent),
    change.kind === "points" && texts.kpi.changeInFull(formats.points(change.points)),
    !withoutData && comparedWords(texts, formats, kpi, comparison),
    !withoutData && uncovered !== null && uncoveredIn(texts, formats, uncovered),
    kpiDescription(texts, kpi),
  ];
  return (
    <article
      data-kpi={kpi.key}
      className={`${CARD} relative hover:border-line-strong ${chosen ? "border-accent! ring-1 ring-accent print:border-line! print:ring-0" : "border-line"}`}
    >
      <div className="@container flex items-start justify-between gap-x-2">
        <h2 className="min-w-0 text-sm leading-5 font-medium text-muted hyphens-auto">
          {/* The whole card is the button. */}
          <button
            type="button"
            aria-pressed={chosen}
            title={hints.filter(Boolean).join("\n")}
            onClick={onChoose}
            className="text-left after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent"
          >
            {kpiName(texts, kpi)}
          </button>
          <Whose>{ofAll && texts.kpi.ofAll}</Whose>
        </h2>
        {!withoutData && <SeverityPill grade={kpi.severity} />}
      </div>
      <p className="mt-1 text-figure font-semibold tracking-tight whitespace-nowrap">
        {withoutData ? (
          <span className="text-lg font-medium text-muted">{texts.kpi.noData}</span>
        ) : (
          <data data-part="value" value={kpi.value}>
            {value}
            {unit !== "" && <span className="ml-0.5 text-lg font-medium text-muted">{unit}</span>}
          </data>
        )}
      </p>
      <div className="min-h-10 text-sm leading-5">
        {withoutData ? (
          <p className="text-muted">{texts.kpi.without[kpi.base.noun] ?? texts.kpi.withoutAny}</p>
        ) : (
          <KpiChange kpi={kpi} change={change} comparison={comparison} covered={uncovered === null} />
        )}
      </div>
      <div className="mt-2 flex items-end print:mt-1">
        <Sparkline kpi={kpi} series={withoutData ? [] : series} />
      </div>
    </article>
  );
}

/** Of what the value is, while the page is limited to a workflow. Its line is there before anybody knows, so that nothing moves. */
function Whose({ children }: { children?: ReactNode }) {
  if (usePlace().view.workflow === null) return null;
  return <span className="block min-h-5 text-xs/5 font-normal">{children}</span>;
}

/** Takes the place of a card before the answer: its label is known, and all else is as high as it will be. */
export function MetricKpiCardSkeleton({ name }: { name: string }) {
  return (
    <div className={`${CARD} border-line`}>
      <div className="@container flex items-start">
        <h2 className="min-w-0 text-sm leading-5 font-medium text-muted hyphens-auto">
          {name}
          <Whose />
        </h2>
      </div>
      <div className="mt-1 flex h-8.5 items-center">
        <div className="skeleton h-7 w-24" />
      </div>
      <div className="min-h-10">
        <div className="skeleton mt-1 h-3.5 w-20 max-w-full" />
        <div className="skeleton mt-1.5 h-3.5 w-32 max-w-full" />
      </div>
      <div className="mt-2 print:mt-1">
        <div className="skeleton h-9 w-full" />
      </div>
    </div>
  );
}
