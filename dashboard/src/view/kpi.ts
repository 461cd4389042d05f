// What a KPI's answer says for the page: its change, whether that is good, and what the KPI is a rate of. Pure.

import { type Bucket, figure, type Kpi } from "../api/answers";

export type Tone = "good" | "bad" | "neutral";

/** A change of more than this is told as a multiple: further digits mean nothing. */
const TENFOLD_PERCENT = 900;

/** A change that is less than one of these is noise, and neither good nor bad: in per cent, of a rate in points. */
const NOISE = { percent: 2, points: 0.5, events: 10 } as const;

/** How a KPI changed between the two intervals that are compared. */
export type Change =
  /** Nothing is compared. */
  | { kind: "none" }
  /** Both are the same, to a decimal. */
  | { kind: "same"; before: number; now: number }
  /** There was nothing before. */
  | { kind: "new"; before: number; now: number }
  /** More than ten times as much. */
  | { kind: "tenfold"; tone: Tone; before: number; now: number; percent: number }
  /** Of a rate, in percentage points. */
  | { kind: "points"; tone: Tone; before: number; now: number; points: number }
  | { kind: "percent"; tone: Tone; before: number; now: number; percent: number };

type Compared = Pick<
  Kpi,
  "trend" | "better" | "unit" | "comparedValue" | "previousValue" | "deltaPercent" | "deltaPoints"
>;

/**
 * `hadNothing`: the interval before has nothing that the KPI is a rate or a mean of. `events`: how many it is of now; a
 * count is of those by which it has changed. `covered`: records cover the interval before; a change from less is neither
 * good nor bad.
 */
export function changeOf(kpi: Compared, hadNothing: boolean, events: number, covered = true): Change {
  const { comparedValue: now, previousValue: before, deltaPercent: percent, deltaPoints: points } = kpi;
  if (now === null || before === null) return { kind: "none" };
  if (hadNothing) return { kind: "new", before, now };
  if (now === before || percent === 0) return { kind: "same", before, now };
  const judged = now > before === (kpi.better === "up") ? "good" : "bad";
  const tone: Tone = !covered || isNoise(kpi, now - before, events) ? "neutral" : judged;
  // Before "new": a rate that was 0 per cent is not new.
  if (kpi.unit === "percent" && points != null) return { kind: "points", tone, before, now, points };
  if (before === 0 || percent === null) return { kind: "new", before, now };
  if (percent > TENFOLD_PERCENT) return { kind: "tenfold", tone, before, now, percent };
  return { kind: "percent", tone, before, now, percent };
}

function isNoise({ unit, deltaPercent, deltaPoints }: Compared, delta: number, events: number): boolean {
  if (unit === "percent" && deltaPoints != null) {
    const points = Math.abs(deltaPoints);
    return points < NOISE.points || (points / 100) * events < NOISE.events;
  }
  const changed = unit === "count" ? Math.abs(delta) : events;
  return Math.abs(deltaPercent ?? 0) < NOISE.percent || changed < NOISE.events;
}

/** How many the series has of what the KPI is a rate or a mean of; 0 for a count. */
export function eventsIn({ base }: Pick<Kpi, "base">, series: readonly Bucket[]): number {
  const counter = base.denominator;
  return counter === null ? 0 : series.reduce((sum, bucket) => sum + (figure(bucket, counter) ?? 0), 0);
}

/** Whether the series has nothing that the KPI is a rate or a mean of: then its 0 says nothing. */
export function isWithoutData({ base }: Pick<Kpi, "base">, series: readonly Bucket[]): boolean {
  const counter = base.denominator;
  if (counter === null || series.length === 0) return false;
  return !series.some((bucket) => (figure(bucket, counter) ?? 1) > 0);
}
