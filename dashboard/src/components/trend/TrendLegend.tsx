// The trend chart's legend, with what each period has in all, and what alerts are judged by.

import { useTexts } from "../../texts/TextsContext";
import type { LegendItem } from "../../view/chartOfLegend";
import { ThresholdsButton } from "../thresholds/ThresholdsButton";
import { LegendSample } from "./LegendSample";
import type { Trend } from "./useTrend";

interface TrendLegendProps {
  trend: Trend;
  items: readonly LegendItem[];
  /** Whether percentiles are drawn; null if the metric has none. */
  percentiles: boolean | null;
  onPercentiles: (drawn: boolean) => void;
}

export function TrendLegend({ trend, items, percentiles, onPercentiles }: TrendLegendProps) {
  const texts = useTexts();
  const hasLimits = trend.limits.length > 0;
  return (
    <ul className="mb-2 flex min-h-6 flex-wrap items-center gap-x-5 gap-y-1 text-sm">
      {items.map((item) => (
        <Item key={item.id + item.label} item={item} metric={trend.kpi.key} />
      ))}
      {percentiles !== null && (
        <li className={percentiles ? "" : "print:hidden"}>
          <button
            type="button"
            aria-pressed={percentiles}
            onClick={() => onPercentiles(!percentiles)}
            className={`flex items-center gap-2 rounded-md py-0.5 hover:text-ink pointer-coarse:py-2 ${percentiles ? "text-muted" : "text-muted line-through"}`}
          >
            <LegendSample item={{ sample: "faint", ink: "series" }} />
            {texts.trend.percentiles}
          </button>
        </li>
      )}
      {trend.percentilesFrom !== null && (
        <li className="text-xs text-muted">
          {texts.trend.percentilesFrom(trend.speech.formats.moment(trend.percentilesFrom))}
        </li>
      )}
      {hasLimits && (
        <li className="print:hidden">
          <ThresholdsButton kpi={trend.kpi.key} quiet />
        </li>
      )}
    </ul>
  );
}

function Item({ item, metric }: { item: LegendItem; metric: string }) {
  const { id, label, value, total, note } = item;
  const name = id === "before" ? { "data-total-before": metric } : { "data-total": metric };
  return (
    <li className="flex min-w-0 flex-wrap items-center gap-x-2" data-legend={id}>
      <LegendSample item={item} />
      <span className="text-muted">{label}</span>
      {value !== undefined && (
        <data {...name} value={total ?? ""} className="font-medium">
          {value}
        </data>
      )}
      {note !== undefined && <span className="text-xs text-muted">{note}</span>}
    </li>
  );
}
