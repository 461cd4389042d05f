// The query API's answers: the contract's types, by the names that the page has for them.
//
// The page is served by an API of its own version, so every member of the contract is there. Times are RFC 3339 in UTC.

import type { Kpi, Point, QueryOf, Range, Summary, WorkflowHealth } from "business-metrics-client";

export type {
  Alert,
  Channel,
  Comparison,
  DeliveryHealth,
  Failure,
  FailureGroup,
  FailureGroups,
  Failures,
  Insight,
  Insights,
  Interval,
  Judged,
  Kpi,
  MessagePoint,
  Overview,
  Range,
  Summary,
  Thresholds,
  ThresholdsOfAlert,
  Trends,
  Workflow,
  WorkflowHealth,
  WorkflowPoint,
  WorkflowTrends,
} from "business-metrics-client";

/** The parameters of a question about a range. */
export type RangeQuery = Omit<QueryOf<"/metrics/insights">, "list">;
/** The same for a question whose answer compares. */
export type ComparingQuery = Omit<QueryOf<"/metrics/summary">, "list">;

export type Granularity = Range["granularity"];
export type Severity = Kpi["severity"];
export type Comparing = NonNullable<ComparingQuery["compare"]>;
export type WorkflowSort = NonNullable<QueryOf<"/metrics/workflow-health">["sort"]>;

/** The members of every answer. */
export type Envelope = Pick<
  Summary,
  "organizationId" | "range" | "generatedAt" | "completeThrough" | "exactFrom" | "stale"
>;

/** A bucket of a series; `open` until its end has passed. */
export type Bucket = Point;

/** Runs by outcome; `failed` excludes the safety limit, `failureRate` (percent) includes it. */
export type Runs = Omit<WorkflowHealth["totals"], "success">;

/** The numbers of a bucket by name: the counters, and the figures computed from them. */
export type Figures = Readonly<Record<string, number | string | boolean | null>>;

/** A bucket's number of that name; null if there is none. */
export function figure(figures: Figures, name: string): number | null {
  const value = figures[name];
  return typeof value === "number" ? value : null;
}
