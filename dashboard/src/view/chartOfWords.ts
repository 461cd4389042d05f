// The numbers and times of the trend chart in words, the same for chart, tooltip, table and picture. Pure.

import type { Comparison, Kpi, Range } from "../api/answers";
import type { Texts } from "../texts";
import type { Measured, Metric } from "./chartOfMetric";
import type { Limit } from "./chartOfMarks";
import type { Stretch, TrendPoint } from "./trendPoints";
import { type Formats, zoneOfDays } from "./formats";
import { uncoveredIn } from "./records";
import { isDayStart } from "./zone";

/** What a person reads: the language's words, and numbers and times as it writes them. */
export interface Speech {
  texts: Texts;
  formats: Formats;
}

/** A value with all its digits; of a rate without a base, what there is none of. */
export function valueIn({ texts, formats }: Speech, value: number | null, metric: Metric): string {
  if (value === null) return texts.trend.none(nounIn(texts, metric));
  const { text, exact } = formats.quantity(value, metric);
  return metric.unit === "ms" ? text : exact;
}

/** What a value is made of: 921 of 1,000 payments; null for a count. */
export function partsIn(
  { texts, formats }: Speech,
  { part, whole }: Measured,
  metric: Metric,
): string | null {
  if (whole === null || whole === 0) return null;
  const noun = nounIn(texts, metric);
  return metric.isShare && part !== null
    ? texts.trend.parts(formats.count(part), formats.count(whole), noun)
    : texts.trend.over(formats.count(whole), noun);
}

/** What the metric counts, or is a rate or a mean of, in the plural. */
export function nounIn({ trend }: Texts, { base }: Pick<Metric, "base">): string {
  return Object.hasOwn(trend.nouns, base.noun) ? (trend.nouns[base.noun] ?? base.noun) : base.noun;
}

/** A counter's name as the head of a column: Successful payments. */
export function counterIn({ trend }: Texts, name: string): string {
  const known = Object.hasOwn(trend.counters, name) ? trend.counters[name] : undefined;
  return known ?? capital(name.replaceAll("_", " "));
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A step of the value axis, with no more digits than steps differ by. */
export function stepIn(
  { formats }: Speech,
  value: number,
  step: number,
  { unit }: Pick<Metric, "unit">,
): string {
  switch (unit) {
    case "count":
      return formats.compact(value);
    case "percent":
      return formats.quantity(value, { unit, decimals: Number.isInteger(step) ? 0 : 1 }).text;
    case "ms":
      return formats.duration(value);
  }
}

/** A bucket on the time axis: the time of day; the date, where a day begins. */
export function tickIn(
  { formats }: Speech,
  { from }: Pick<TrendPoint, "from">,
  range: Range,
  zone: string,
): string {
  return formats.tick(from, startsDay(from, zone) ? "day" : range.granularity);
}

/** When a bucket before was: a day by its date, anything else with its times. A year before, with the year. */
export function whenIn(
  { formats }: Speech,
  { from, to }: Pick<Stretch, "from" | "to">,
  range: Range,
  { mode }: Pick<Comparison, "mode">,
): string {
  const zone = zoneOfDays(range);
  const days = range.granularity === "day" && startsDay(from, zone) && startsDay(to, zone);
  if (mode === "previous_year") return formats.range({ from, to, granularity: days ? "day" : "hour" });
  return days ? formats.bucket(from, "day") : formats.period(from, to);
}

/** Why a bucket before has less than all of its time, if records begin only at `uncovered`; null if they cover it. */
export function partlyIn(
  { texts, formats }: Speech,
  { from }: Pick<Stretch, "from">,
  uncovered: string | null,
): string | null {
  return uncovered === null || from >= uncovered ? null : uncoveredIn(texts, formats, uncovered);
}

interface Around {
  metric: Metric;
  range: Range;
  comparison: Pick<Comparison, "mode"> | null;
  /** Up to when what is compared with has no records; null if they cover it. */
  uncovered: string | null;
}

/** All that a bucket has, for a screen reader. */
export function pointIn(speech: Speech, point: TrendPoint, around: Around): string {
  const { texts, formats } = speech;
  const { metric, range, comparison, uncovered } = around;
  const of = (one: Measured) => {
    const parts = partsIn(speech, one, metric);
    const value = valueIn(speech, one.value, metric);
    // The noun is in the plural.
    const named = metric.drawing === "bars" && one.value !== 1 ? `${value} ${nounIn(texts, metric)}` : value;
    return parts === null ? named : `${named} (${parts})`;
  };
  const when = formats.bucket(point.from, range.granularity);
  const now = `${when}${point.open ? `, ${texts.trend.open}` : ""}: ${of(point)}`;
  const percentiles = metric.percentiles.flatMap(({ label }, index) => {
    const value = point.percentiles[index] ?? null;
    return value === null ? [] : [`${label} ${formats.estimate(value)}`];
  });
  const { before } = point;
  if (before === null || comparison === null) return [now, ...percentiles].join("; ");
  const then = `${texts.trend.before} (${whenIn(speech, before, range, comparison)}): ${of(before)}`;
  const partly = partlyIn(speech, before, uncovered);
  return [now, ...percentiles, then, ...(partly === null ? [] : [partly])].join("; ");
}

/** What a rate's or a mean's alerts are judged by. A count is judged over the whole range, so its buckets aren't. */
export function limitsIn(
  { texts, formats }: Speech,
  { thresholds, better, unit, base }: Pick<Kpi, "thresholds" | "better" | "unit" | "base">,
): Limit[] {
  if (base.denominator === null) return [];
  const words = texts.trend.limits[better];
  // Nothing can be beyond these: the alert is switched off.
  const isAny = (value: number) => unit !== "percent" || (better === "up" ? value > 0 : value < 100);
  return thresholds.flatMap((judged) =>
    (["warning", "critical"] as const).flatMap((severity) => {
      const value = judged[severity];
      const label = words[severity](
        formats.quantity(value, { unit, decimals: Number.isInteger(value) ? 0 : 1 }).text,
      );
      return isAny(value) ? [{ value, severity, label }] : [];
    }),
  );
}

function startsDay(instant: string, zone: string): boolean {
  return isDayStart(zone, new Date(instant));
}
