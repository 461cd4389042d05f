// Where an alert and an insight lead: the view that shows what they speak of. Pure.

import type { Alert, Insight } from "../api/answers";
import type { View } from "./view";

const HOUR_MS = 60 * 60 * 1_000;
/** What is said of so few hours is seen among the hours around them. */
const SHORT_MS = 6 * HOUR_MS;
const AROUND_MS = 12 * HOUR_MS;

function hourEnd(now: Date): number {
  return Math.ceil(now.getTime() / HOUR_MS) * HOUR_MS;
}

/** An alert is of the range that is shown, and of all workflows: only the figure is its own. */
export function followAlert({ kpi }: Pick<Alert, "kpi">): Partial<View> {
  return { metric: kpi, workflow: null };
}

/** The period of the insight, by the hour if it is short, with its figure; and of its workflow, if it is about one. */
export function followInsight(
  insight: Pick<Insight, "kpi" | "period" | "workflow">,
  now: Date,
): Partial<View> {
  const { kpi, workflow } = insight;
  const [start, end] = [Date.parse(insight.period.from), Date.parse(insight.period.to)];
  const around = end - start <= SHORT_MS ? AROUND_MS : 0;
  const instant = (time: number) => new Date(time).toISOString();
  return {
    period: {
      from: instant(start - around),
      // A range ends with an hour: this one says the same as the answer to it.
      to: instant(Math.max(end, Math.min(end + around, hourEnd(now)))),
    },
    granularity: around > 0 ? "hour" : null,
    workflow: workflow?.workflowId ?? null,
    ...(kpi === null ? {} : { metric: kpi }),
  };
}
