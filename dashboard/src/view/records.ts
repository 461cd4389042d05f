// How much the organization has in the range. Pure.

import { type Bucket, figure, type Overview } from "../api/answers";

const COUNTERS = [
  "orders_created",
  "payments_total",
  "workflows_total",
  "messages_sent",
  "messages_delivered",
];

/** How many records the counters of the range add up to. */
export function totalRecords({ trends }: Pick<Overview, "trends">): number {
  return COUNTERS.reduce((sum, name) => sum + totalOf(trends.series, name), 0);
}

function totalOf(series: readonly Bucket[], counter: string): number {
  return series.reduce((sum, bucket) => sum + (figure(bucket, counter) ?? 0), 0);
}

/** Whether the organization has neither a name nor a record in the range. */
export function isUnknown(overview: Overview): boolean {
  return overview.summary.organizationName === null && totalRecords(overview) === 0;
}
