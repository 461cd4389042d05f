// One insight: what stands out, when, how bad it is, what to check, and the way to the chart of it.

import { ArrowRight } from "lucide-react";
import type { Insight } from "../../api/answers";
import { serverNow } from "../../api/serverClock";
import { useAllTexts } from "../../texts/useAllTexts";
import { ownWords } from "../../view/kpiWords";
import { followInsight } from "../../view/rowsFollow";
import { wordsOf } from "../../view/rowsInsights";
import { metricIn } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { nameOf } from "../../view/workflowOrder";
import { SeverityPill } from "../parts/SeverityPill";
import { ViewLink } from "../parts/ViewLink";

export function InsightItem({ insight }: { insight: Insight }) {
  const { view, formats } = usePlace();
  const texts = useAllTexts();
  const { title, sentence, next } = wordsOf(insight, texts, formats);
  const { from, to } = insight.period;
  const there = followInsight(insight, serverNow());
  // The link says which figure the chart will show: an insight about payments leads to their rate.
  const metric = metricIn({ ...view, ...there });
  const figure = ownWords(texts.kpi.names, metric) ?? metric;
  return (
    <li data-insight={insight.key} className="border-t border-line py-3 first:border-t-0 first:pt-1">
      <div className="flex items-start justify-between gap-3">
        <h3 className="min-w-0 text-sm font-medium wrap-anywhere">{title}</h3>
        <SeverityPill grade={insight.severity} />
      </div>
      <p className="mt-1 text-sm wrap-anywhere">{sentence}</p>
      {next !== "" && (
        <p className="mt-1 text-sm text-muted">
          {texts.insights.next} {next}
        </p>
      )}
      <p className="mt-1.5 flex flex-wrap items-center justify-between gap-x-3 gap-y-1 text-xs text-muted">
        <span>{formats.period(from, to)}</span>
        <ViewLink
          to={there}
          className="inline-flex items-center gap-1 font-medium text-accent hover:underline pointer-coarse:min-h-10 print:hidden"
        >
          {texts.insights.show(
            insight.workflow === undefined
              ? figure
              : `${figure} ${texts.trend.ofWorkflow(nameOf(insight.workflow))}`,
          )}
          <span className="sr-only">: {title}</span>
          <ArrowRight className="size-3.5" />
        </ViewLink>
      </p>
    </li>
  );
}
