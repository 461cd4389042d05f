// What the chart shows, and the cards mark: decided here for both, so that they agree.

import { useMemo } from "react";
import type { Kpi, Overview, WorkflowTrends } from "../api/answers";
import { shownKpi } from "./chartOfMetric";
import type { Asked } from "./questions";
import type { Series } from "./trendPoints";
import { metricIn } from "./view";
import { usePlace } from "./ViewContext";

/** The series of the organization, or of one workflow. */
export type ShownTrends = Series &
  Pick<WorkflowTrends, "completeThrough" | "percentilesFrom" | "recordsFrom" | "comparison"> & {
    workflow?: WorkflowTrends["workflow"];
  };

export interface Shown {
  /** The question whose answer has the series. */
  asked: Asked<unknown>;
  trends: ShownTrends | undefined;
  /** The view's KPI; if the series hasn't got it, another one. Null before the overview is answered. */
  kpi: Kpi | null;
}

/** Of an answer of `useOverview`, and one of `useWorkflowTrends`. */
export function useShown(overview: Asked<Overview>, ofWorkflow: Asked<WorkflowTrends>): Shown {
  const { view } = usePlace();
  const metric = metricIn(view);
  const ofAll = view.workflow === null;
  const trends: ShownTrends | undefined = ofAll ? overview.data?.body.trends : ofWorkflow.data?.body;
  const kpis = overview.data?.body.summary.kpis;
  const first = trends?.series[0];
  const kpi = useMemo(() => shownKpi(kpis ?? [], metric, first), [kpis, metric, first]);
  const asked = ofAll ? overview : ofWorkflow;
  return useMemo(() => ({ asked, trends, kpi }), [asked, trends, kpi]);
}
