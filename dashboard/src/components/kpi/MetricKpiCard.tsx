// The card of one KPI: its value, its change and whether that is good, its sparkline, its severity.

import type { Kpi } from "../../api/answers";
import { judgementOf, type Tone } from "../../view/kpi";
import { joined } from "../../view/formats";
import { usePlace } from "../../view/ViewContext";
import { Icon, type IconName } from "../parts/icons";
import { SeverityPill } from "../parts/SeverityPill";
import { Sparkline } from "./Sparkline";

interface MetricKpiCardProps {
  kpi: Kpi;
  /** Its values over the closed buckets. */
  history: readonly number[];
  /** The name of what it is a rate of, if the range has none of that; null otherwise. */
  missing: string | null;
}

export function MetricKpiCard({ kpi, history, missing }: MetricKpiCardProps) {
  const { formats } = usePlace();
  const { value, unit } = formats.quantity(kpi.value, kpi);
  return (
    <article
      data-kpi={kpi.key}
      className="@container flex min-w-0 flex-col rounded-xl border border-line bg-surface p-4 shadow-card print:break-inside-avoid print:shadow-none"
    >
      {/* As high as a label of two lines, so that values line up and nothing moves when the answer arrives. */}
      <div className="flex min-h-9.5 items-start justify-between gap-x-2">
        <h2 className="text-sm font-medium text-muted" title={kpi.description}>
          {kpi.label}
        </h2>
        {missing === null && <SeverityPill grade={kpi.severity} />}
      </div>
      <p className="sr-only">{kpi.description}</p>
      <p className="mt-2 text-figure font-semibold tracking-tight">
        {missing === null ? (
          <data value={kpi.value}>
            {value}
            {unit !== "" && <span className="ml-1 text-lg font-medium text-muted">{unit}</span>}
          </data>
        ) : (
          <span aria-hidden="true" className="text-muted">
            –
          </span>
        )}
      </p>
      <div className="mt-0.5 min-h-5 text-sm">
        {missing === null ? <Delta kpi={kpi} /> : <p className="text-muted">No {missing} in this period</p>}
      </div>
      <div className="mt-3 flex grow items-end">
        <Sparkline values={missing === null ? history : []} tone={judgementOf(kpi).tone} />
      </div>
    </article>
  );
}

const INKS: Readonly<Record<Tone, string>> = { good: "text-good", bad: "text-bad", neutral: "text-muted" };
const ARROWS: Readonly<Record<Kpi["trend"], IconName>> = {
  up: "arrowUp",
  down: "arrowDown",
  flat: "flat",
  new: "arrowUp",
};

function Delta({ kpi }: { kpi: Kpi }) {
  const { formats } = usePlace();
  const { tone, word } = judgementOf(kpi);
  if (kpi.previousValue === null) return <p className="text-muted">Nothing to compare with</p>;
  const quantity = (value: number | null | undefined) =>
    value == null ? null : joined(formats.quantity(value, kpi));
  const [before, now] = [quantity(kpi.previousValue), quantity(kpi.comparedValue)];
  return (
    <p className="flex flex-wrap items-center gap-x-1.5">
      <span className={`inline-flex items-center gap-0.5 font-medium ${INKS[tone]}`}>
        <Icon name={ARROWS[kpi.trend]} className="size-3.5" />
        {kpi.trend !== "flat" && kpi.deltaPercent !== null && (
          <data value={kpi.deltaPercent}>{formats.signed(kpi.deltaPercent)} %</data>
        )}
        <span className={kpi.trend === "flat" ? "" : "ml-0.5"}>{word}</span>
      </span>
      {before !== null && (
        <span className="text-muted">
          from {before}
          {now !== null && ` to ${now}`}
        </span>
      )}
    </p>
  );
}

/** Takes the place of a card before the answer, with the same height. */
export function MetricKpiCardSkeleton() {
  return (
    <div className="rounded-xl border border-line bg-surface p-4 shadow-card">
      <div className="h-10">
        <div className="skeleton my-1 h-3.5 w-24" />
      </div>
      <div className="skeleton mt-3 h-7 w-28" />
      <div className="skeleton mt-2.5 h-3.5 w-32" />
      <div className="skeleton mt-4.5 h-8 w-full" />
    </div>
  );
}
