// What the chart shows of its metric: points, limits, insights, and the words for them.

import { useMemo } from "react";
import type { Comparison, Insight, Kpi, Overview, Range } from "../../api/answers";
import type { Texts } from "../../texts";
import { useTexts } from "../../texts/TextsContext";
import { type Metric, metricOf } from "../../view/chartOfMetric";
import type { Limit } from "../../view/chartOfMarks";
import { limitsIn, type Speech } from "../../view/chartOfWords";
import { zoneOfDays } from "../../view/formats";
import { kpiName } from "../../view/kpiWords";
import { emptyIn, uncoveredUntil } from "../../view/records";
import type { Shown, ShownTrends } from "../../view/shown";
import { type TrendPoint, trendPoints } from "../../view/trendPoints";
import { metricIn } from "../../view/view";
import { usePlace, useRangeFormats } from "../../view/ViewContext";

export interface Trend {
  kpi: Kpi;
  /** What people call the metric. */
  name: string;
  metric: Metric;
  points: readonly TrendPoint[];
  range: Range;
  comparison: Comparison | null;
  /** Up to when what is compared with has no records; null if they cover it. */
  uncovered: string | null;
  /** The zone of the labels. */
  zone: string;
  speech: Speech;
  limits: readonly Limit[];
  /** Insights about the metric. */
  insights: readonly Insight[];
  /** Percentiles leave out runs before this instant; null if they are of all. */
  percentilesFrom: string | null;
  /** Why another metric is shown than the view's; null if it is that. */
  instead: string | null;
  workflow: NonNullable<ShownTrends["workflow"]> | null;
  organizationId: string;
  /** What people call the organization. */
  organization: string;
  completeThrough: string | null;
  /** Up to when the range begins with nothing, in words; null if it doesn't. */
  empty: string | null;
}

const NO_INSIGHTS: readonly Insight[] = [];
const NO_LIMITS: readonly Limit[] = [];

/** Null while something of it hasn't been answered yet, or if no metric has a series. */
export function useTrend(overview: Overview | undefined, { trends, kpi }: Shown): Trend | null {
  const { view } = usePlace();
  const wanted = metricIn(view);
  const texts = useTexts();
  const formats = useRangeFormats(trends?.range ?? NO_RANGE);
  const speech = useMemo(() => ({ texts, formats }), [texts, formats]);
  const first = trends?.series[0];
  const metric = useMemo(() => (kpi === null ? null : metricOf(kpi, first)), [kpi, first]);
  const points = usePoints(trends, metric);
  const ofAll = trends?.workflow === undefined;
  // What the organization's alerts and insights say isn't about one workflow.
  const limits = useMemo(
    () => (kpi === null || !ofAll ? NO_LIMITS : limitsIn(speech, kpi)),
    [kpi, ofAll, speech],
  );
  const found = overview?.insights.insights;
  const insights = useMemo(
    () => (ofAll ? (found ?? NO_INSIGHTS).filter((insight) => insight.kpi === kpi?.key) : NO_INSIGHTS),
    [found, kpi, ofAll],
  );
  const summary = overview?.summary;
  return useMemo(() => {
    if (summary === undefined || trends === undefined || kpi === null || metric === null) return null;
    const { range, comparison } = trends;
    return {
      ...{ kpi, metric, points, speech, limits, insights, range, comparison },
      uncovered: uncoveredUntil(trends),
      name: kpiName(texts, kpi),
      zone: range.granularity === "day" ? zoneOfDays(range) : view.zone,
      percentilesFrom: metric.percentiles.length === 0 ? null : (trends.percentilesFrom ?? null),
      instead: insteadOf(texts, summary.kpis, wanted, kpi),
      workflow: trends.workflow ?? null,
      organizationId: summary.organizationId,
      organization: summary.organizationName ?? summary.organizationId,
      completeThrough: trends.completeThrough,
      empty: emptyIn(texts, speech.formats, trends),
    };
  }, [summary, trends, kpi, metric, points, speech, limits, insights, texts, view.zone, wanted]);
}

/** Says why another metric is shown than the wanted one. */
function insteadOf(texts: Texts, kpis: readonly Kpi[], wanted: string, shown: Kpi): string | null {
  if (shown.key === wanted) return null;
  const known = kpis.find(({ key }) => key === wanted);
  return known === undefined
    ? texts.trend.unknownMetric(wanted)
    : texts.trend.notOfWorkflow(kpiName(texts, known));
}

/** Only for the formats before the first answer. */
const NO_RANGE: Range = { from: "", to: "", granularity: "hour", timezone: "UTC" };

/** An answer with the same numbers gives the same points, so that the chart isn't drawn again. */
function usePoints(trends: ShownTrends | undefined, metric: Metric | null): readonly TrendPoint[] {
  const { range, series, previousSeries, comparison } = trends ?? {};
  return useMemo(() => {
    if (range === undefined || series === undefined || metric === null) return [];
    return trendPoints({ range, series, previousSeries, comparison: comparison ?? null }, metric);
  }, [range, series, previousSeries, comparison, metric]);
}
