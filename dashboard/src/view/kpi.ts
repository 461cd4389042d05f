// What the page adds to the API's KPIs: which direction is good, and what each is a rate of. Pure.
//
// A KPI that isn't listed here is shown too, without a judgement.

import { type Bucket, figure, type Kpi } from "../api/answers";

interface Meaning {
  /** The direction that is good. */
  better: "up" | "down";
  /** The counter that the value is a rate of, and the word for what it counts. */
  of: { counter: string; noun: string } | null;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  orders_created: { better: "up", of: null },
  payment_success_rate: { better: "up", of: { counter: "payments_total", noun: "payments" } },
  workflow_failure_rate: { better: "down", of: { counter: "workflows_total", noun: "workflow runs" } },
  avg_execution_time_ms: { better: "down", of: { counter: "workflows_total", noun: "workflow runs" } },
  message_delivery_rate: { better: "up", of: { counter: "messages_sent", noun: "messages" } },
};

export type Tone = "good" | "bad" | "neutral";

/** A change's tone, and the word that says the same without colour. */
export function judgementOf({ key, trend }: Pick<Kpi, "key" | "trend">): { tone: Tone; word: string } {
  const better = MEANINGS[key]?.better;
  if (trend === "flat") return { tone: "neutral", word: "no change" };
  if (better === undefined) return { tone: "neutral", word: trend };
  return trend === better ? { tone: "good", word: "better" } : { tone: "bad", word: "worse" };
}

/** What the KPI is a rate of, if the series has none of it: then its 0 means "unknown", not "none". */
export function missingBasis(key: string, series: readonly Bucket[]): string | null {
  const of = MEANINGS[key]?.of;
  if (of == null || series.length === 0) return null;
  return series.some((bucket) => (figure(bucket, of.counter) ?? 1) > 0) ? null : of.noun;
}

/** More points than this are noise in a drawing that small. */
const HISTORY_MAX = 60;

/** The KPI's values over the closed buckets, without buckets that have nothing to be a rate of. */
export function historyOf(key: string, series: readonly Bucket[]): number[] {
  const counter = MEANINGS[key]?.of?.counter;
  const counts = (bucket: Bucket) => counter === undefined || (figure(bucket, counter) ?? 1) > 0;
  const values = series
    .filter((bucket) => !bucket.open && counts(bucket))
    .flatMap((bucket) => figure(bucket, key) ?? []);
  return thinned(values, HISTORY_MAX);
}

/** At most `most` values: means of neighbours, so that the shape stays. */
function thinned(values: readonly number[], most: number): number[] {
  const together = Math.ceil(values.length / most);
  if (together <= 1) return [...values];
  return Array.from({ length: Math.ceil(values.length / together) }, (_, index) => {
    const group = values.slice(index * together, (index + 1) * together);
    return group.reduce((sum, value) => sum + value, 0) / group.length;
  });
}
