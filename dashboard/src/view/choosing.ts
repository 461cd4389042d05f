// What choosing a figure changes: the filter to a workflow stays only if the figure is counted by workflow.

import { useCallback } from "react";
import { figure, type Figures } from "../api/answers";
import { useWorkflowTrends } from "./questions";
import type { View } from "./view";
import { usePlace } from "./ViewContext";

/** A bucket of the view's workflow, which has the figures that are counted by workflow; undefined if the view is of all. */
export function useWorkflowFigures(): Figures | undefined {
  const { workflow } = usePlace().view;
  const first = useWorkflowTrends().data?.body.series[0];
  return workflow === null ? undefined : first;
}

/** The part of the view that changes when a figure is chosen. `figures` is any bucket of the view's workflow. */
export function choosing(metric: string, figures: Figures | undefined): Partial<View> {
  return figures !== undefined && figure(figures, metric) === null ? { metric, workflow: null } : { metric };
}

/** Chooses what the chart shows. */
export function useChooseMetric(): (metric: string) => void {
  const { change } = usePlace();
  const figures = useWorkflowFigures();
  return useCallback((metric) => change(choosing(metric, figures)), [figures, change]);
}

/** The view before, if a choice of something else has taken its workflow off; otherwise null. */
export function leftBy(before: View, after: View): View | null {
  if (before.workflow === null || after.workflow !== null) return null;
  const onlyThat = JSON.stringify({ ...before, workflow: null }) === JSON.stringify(after);
  return onlyThat ? null : before;
}
