// How a KPI is drawn and added up: decided by its unit and its base, so that a new KPI needs nothing here. Pure.

import { type Figures, figure, type Kpi } from "../api/answers";

/** The members of a KPI that the drawing depends on. */
export type Measure = Pick<Kpi, "key" | "unit" | "decimals" | "better" | "base">;

export interface Percentile {
  /** Its name in a series: `p95_execution_time_ms`. */
  name: string;
  /** p95 */
  label: string;
}

export interface Metric extends Measure {
  /** What adds up is drawn as bars. A rate or a mean is not zero where it has no base, so it is a line with gaps. */
  drawing: "bars" | "line";
  /** Whether its parts are things of one kind: 921 of 1,000 payments. The sum that a mean is made of is none. */
  isShare: boolean;
  percentiles: readonly Percentile[];
}

/** What was measured in a bucket, or in several. */
export interface Measured {
  /** Null where the metric has nothing to be a share or a mean of. */
  value: number | null;
  /** The base's counters; null if the metric is a count. */
  part: number | null;
  whole: number | null;
  /** In the order of the metric's percentiles. */
  percentiles: readonly (number | null)[];
}

/** `figures` is any bucket of the series: it tells which percentiles there are. */
export function metricOf(
  { key, unit, decimals, better, base }: Measure,
  figures: Figures | undefined,
): Metric {
  return {
    ...{ key, unit, decimals, better, base },
    drawing: base.denominator === null ? "bars" : "line",
    isShare: base.denominator !== null && unit === "percent",
    percentiles: percentilesOf(key, Object.keys(figures ?? {})),
  };
}

/** The percentiles of a mean: those of `avg_execution_time_ms` are named `p50_execution_time_ms` and so on. */
function percentilesOf(key: string, names: readonly string[]): Percentile[] {
  const things = /^avg_(.+)$/.exec(key)?.[1];
  if (things === undefined) return [];
  return names.flatMap((name) => {
    const label = /^(p\d+)_(.+)$/.exec(name);
    return label?.[1] !== undefined && label[2] === things ? [{ name, label: label[1] }] : [];
  });
}

/** What a bucket has of the metric. */
export function measured(bucket: Figures, { key, base, percentiles }: Metric): Measured {
  const whole = base.denominator === null ? null : figure(bucket, base.denominator);
  return {
    value: whole === 0 ? null : figure(bucket, key),
    part: base.denominator === null ? null : figure(bucket, base.numerator),
    whole,
    percentiles: percentiles.map(({ name }) => figure(bucket, name)),
  };
}

/** What several buckets have together. Percentiles can't be added up. */
export function totalOf(all: readonly Measured[], metric: Metric): Measured {
  const sum = (of: (one: Measured) => number | null) => all.reduce((total, one) => total + (of(one) ?? 0), 0);
  const percentiles = metric.percentiles.map(() => null);
  if (metric.base.denominator === null) {
    return { value: sum((one) => one.value), part: null, whole: null, percentiles };
  }
  const [part, whole] = [sum((one) => one.part), sum((one) => one.whole)];
  return { value: whole === 0 ? null : ratioOf(part, whole, metric.unit), part, whole, percentiles };
}

/** As the API computes it: with one decimal, half away from zero; a share is at most 100. */
function ratioOf(part: number, whole: number, unit: Kpi["unit"]): number {
  const tenths = (factor: number) => Math.round((part * factor * 10) / whole) / 10;
  return unit === "percent" ? Math.min(100, tenths(100)) : tenths(1);
}

/**
 * The KPI to show: the wanted one; if the series hasn't got it, the first that it has. Null if there is none at all.
 * A series without a bucket, or one that isn't there yet, may have any.
 */
export function shownKpi<K extends Pick<Kpi, "key">>(
  kpis: readonly K[],
  wanted: string,
  figures: Figures | undefined,
): K | null {
  const available = figures === undefined ? kpis : kpis.filter((kpi) => figure(figures, kpi.key) !== null);
  return available.find(({ key }) => key === wanted) ?? available[0] ?? null;
}
