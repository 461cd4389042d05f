// The query API's answers, as the page reads them.
//
// Optional members are newer than the rest. If an API doesn't send one, the page hides what it would show; it never
// invents a value. Times are RFC 3339 in UTC.

export type Granularity = "hour" | "day";
export type Severity = "healthy" | "warning" | "critical";
export type Comparing = "previous_period" | "previous_week" | "previous_year" | "none";

/** A half-open, canonical interval: what the API made of the period it was asked for. */
export interface Range {
  from: string;
  to: string;
  granularity: Granularity;
  /** IANA name of the zone that days begin in; UTC if it is missing. */
  timezone?: string;
}

/** The intervals that are compared; `from` and `to` are those of the previous one. */
export interface Comparison {
  mode: Comparing;
  from: string;
  to: string;
  /** The part of the range that is compared: what is still open of it isn't. */
  current?: Interval;
  previous?: Interval;
}

/** Half-open. */
export interface Interval {
  from: string;
  to: string;
}

/** The members of every answer. */
export interface Envelope {
  organizationId: string;
  range: Range;
  generatedAt: string;
  /** The numbers contain all records up to this instant; null while some partition has never been read. */
  completeThrough?: string | null;
  /** Present if the buckets that begin before this instant are only nearly those of the zone. */
  exactFrom?: string;
  /** Present, and true, if the API could only send its last known answer. */
  stale?: boolean;
}

/** The counters, by their names in series, that a KPI is made of; `noun` is what it is a rate of, or counts. */
export interface Base {
  numerator: string;
  /** Null for a count. */
  denominator: string | null;
  noun: string;
}

/**
 * A KPI. `value` is over the range; `comparedValue` over what is compared of it, which may be less. `deltaPercent` follows from
 * that and `previousValue`; it is null if there was nothing before, or nothing is compared. Then both values are null, too.
 */
export interface Kpi {
  key: string;
  label: string;
  value: number;
  unit: "count" | "percent" | "ms";
  /** How many decimals are shown. */
  decimals?: number;
  trend: "up" | "down" | "flat" | "new";
  deltaPercent: number | null;
  severity: Severity;
  description: string;
  comparedValue?: number | null;
  previousValue?: number | null;
  /** The direction that is good. */
  better?: "up" | "down" | undefined;
  base?: Base;
}

/** A figure beyond a threshold, with the numbers behind that judgement. */
export interface Alert {
  key: string;
  kpi: string;
  severity: Severity;
  title: string;
  message: string;
  value: number;
  threshold: number;
  sample: number;
}

export interface Summary extends Envelope {
  organizationName: string | null;
  plan: { id: string; name: string } | null;
  kpis: Kpi[];
  alerts: Alert[];
  systemHealth: { status: Severity; alertCount: number };
  comparison?: Comparison | null;
}

/** The numbers of a bucket by name: the counters, and the figures computed from them. */
export type Figures = Readonly<Record<string, number | string | boolean | null>>;

/** A bucket of a series; `open` until its end has passed. */
export type Bucket = Figures & { bucket: string; open: boolean };

export interface Trends extends Envelope {
  series: Bucket[];
  comparison?: Comparison | null;
  previousSeries?: Bucket[] | null;
}

/** Percentiles of execution times in milliseconds; null if nothing ran. */
export interface Percentiles {
  p50ExecutionTimeMs?: number | null;
  p95ExecutionTimeMs?: number | null;
  p99ExecutionTimeMs?: number | null;
}

/** Runs by outcome; `failed` excludes the safety limit, `failureRate` (percent) includes it. */
export interface Runs extends Percentiles {
  total: number;
  failed: number;
  failedSafetyLimit: number;
  failureRate: number;
  avgExecutionTimeMs: number;
}

export interface Workflow extends Runs {
  workflowId: string;
  workflowName: string;
}

export interface Failure {
  executionId: string;
  workflowId: string;
  workflowName: string;
  outcome: "FAILED" | "FAILED_SAFETY_LIMIT";
  errorMessage: string;
  executionTimeMs: number;
  finishedAt: string;
}

export interface WorkflowHealth extends Envelope {
  totals: Runs & { success: number };
  workflows: Workflow[];
  recentFailures: Failure[];
  /** The cursor of the next page of failures; null on the last page. */
  nextCursor?: string | null;
}

/** Something that stands out, its evidence, and what to look at next. */
export interface Insight {
  key: string;
  kpi: string | null;
  severity: "info" | "warning" | "critical";
  title: string;
  sentence: string;
  period: { from: string; to: string };
  numbers: Record<string, number>;
  next: string;
}

export interface Insights extends Envelope {
  /** Present if records since this instant may be missing; null if that is unknown. */
  incompleteSince?: string | null;
  insights: Insight[];
}

/** A bucket's number of that name; null if there is none. */
export function figure(figures: Figures, name: string): number | null {
  const value = figures[name];
  return typeof value === "number" ? value : null;
}
