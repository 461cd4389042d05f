// What a KPI's answer says for the page: whether a change is good, and what the KPI is a rate of. Pure.
//
// An older API doesn't say; then the page shows no judgement.

import { type Bucket, figure, type Kpi } from "../api/answers";

export type Tone = "good" | "bad" | "neutral";

type Judged = Pick<Kpi, "trend"> & { better?: Kpi["better"] | undefined };
type Based = Partial<Pick<Kpi, "base">>;

/** A change's tone, and the word that says the same without colour. */
export function judgementOf({ trend, better }: Judged): { tone: Tone; word: string } {
  if (trend === "flat") return { tone: "neutral", word: "no change" };
  if (trend === "new" || better === undefined) return { tone: "neutral", word: trend };
  return trend === better ? { tone: "good", word: "better" } : { tone: "bad", word: "worse" };
}

/** What the KPI is a rate of, if the series has none of it: then its 0 means "unknown", not "none". */
export function missingBasis({ base }: Based, series: readonly Bucket[]): string | null {
  const counter = base?.denominator;
  if (counter == null || series.length === 0) return null;
  return series.some((bucket) => (figure(bucket, counter) ?? 1) > 0) ? null : (base?.noun ?? null);
}

/** More points than this are noise in a drawing that small. */
const HISTORY_MAX = 60;

/** The KPI's values over the closed buckets, without buckets that have nothing to be a rate of. */
export function historyOf({ key, base }: Pick<Kpi, "key"> & Based, series: readonly Bucket[]): number[] {
  const counter = base?.denominator;
  const counts = (bucket: Bucket) => counter == null || (figure(bucket, counter) ?? 1) > 0;
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
