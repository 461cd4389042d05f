// How much the organization has in the range, and whether in what that is compared with. Pure.

import { type Bucket, figure, type Figures, type Overview, type Range, type Summary } from "../api/answers";
import type { Texts } from "../texts";
import type { Formats } from "./formats";

/** As long as the shortest day; a night without a record says nothing. */
const SILENCE_MS_MIN = 23 * 60 * 60 * 1_000;

interface Counted {
  range: Range;
  series: readonly (Pick<Bucket, "bucket"> & Figures)[];
}

const COUNTERS = [
  "orders_created",
  "payments_total",
  "workflows_total",
  "messages_sent",
  "messages_delivered",
];

/** How many records the counters of the range add up to. */
export function totalRecords({ trends }: Pick<Overview, "trends">): number {
  return recordsIn(trends.series);
}

/**
 * Up to when the range begins with nothing: the start of the first bucket that has a record, or the range's end. Null if
 * that is less than a day. After the organization's first record nobody can tell whether there were none, or none were reported.
 */
export function emptyUntil({ range, series }: Counted): string | null {
  const first = series.find((bucket) => recordsIn([bucket]) > 0)?.bucket ?? range.to;
  return Date.parse(first) - Date.parse(range.from) < SILENCE_MS_MIN ? null : first;
}

/** The same in words, which belong beside "complete"; `formats` are those of the range. */
export function emptyIn({ page }: Texts, formats: Formats, counted: Counted): string | null {
  const until = emptyUntil(counted);
  if (until === null) return null;
  const { to, granularity } = counted.range;
  return until === to ? page.empty : page.emptyBefore(formats.bucket(until, granularity));
}

/** Up to when what is compared with has no records, because they begin only then. Null if they cover it, or there are none. */
export function uncoveredUntil({
  recordsFrom,
  comparison,
}: Pick<Summary, "recordsFrom" | "comparison">): string | null {
  return comparison === null || comparison.previousCovered ? null : recordsFrom;
}

/** The same in words, which belong beside what is compared with. */
export function uncoveredIn({ kpi }: Texts, formats: Formats, until: string): string {
  // One instant, written with its year.
  return kpi.incompleteWhy(formats.range({ from: until, to: until, granularity: "hour" }));
}

function recordsIn(series: readonly Figures[]): number {
  return COUNTERS.reduce((sum, name) => sum + totalOf(series, name), 0);
}

function totalOf(series: readonly Figures[], counter: string): number {
  return series.reduce((sum, bucket) => sum + (figure(bucket, counter) ?? 0), 0);
}

/** Whether the organization has neither a name nor a record in the range. */
export function isUnknown(overview: Overview): boolean {
  return overview.summary.organizationName === null && totalRecords(overview) === 0;
}
