// The period the page shows: a preset that moves with the clock, or a fixed interval. Pure.

import type { PlainDate } from "./temporal";
import { dateOf, isDayStart, zonedAt } from "./zone";

/** In the order in which a person reads them. Weeks, months and quarters are those of the calendar. */
export const PRESETS = [
  "today",
  "yesterday",
  "24h",
  "week",
  "last-week",
  "7d",
  "30d",
  "month",
  "last-month",
  "quarter",
  "last-quarter",
  "90d",
] as const;

export type Preset = (typeof PRESETS)[number];
export type Period = { preset: Preset } | { from: string; to: string };

export const DEFAULT_PRESET: Preset = "24h";

const HOUR_MS = 60 * 60 * 1_000;
const DAY_MS = 24 * HOUR_MS;
/** Of the week, as Intl and Temporal count. */
const MONDAY = 1;

/** The bounds to ask for; without `to`, the API's default is now. */
export interface Bounds {
  from?: string;
  to?: string;
}

export interface Span {
  from: Date;
  to: Date;
}

export function isPreset(name: string | null): name is Preset {
  return PRESETS.some((preset) => preset === name);
}

/**
 * The period's bounds at `now`. Days begin with the zone's first moment of them. "7 days" are today and the six days before,
 * "24 hours" the open hour and the 23 before: what is open is one of them.
 */
export function boundsOf(period: Period, zone: string, now: Date, firstDay = firstDayHere()): Bounds {
  if (!("preset" in period)) return period;
  const { from, to } = wholeSpan(period, zone, now, firstDay);
  return to > now ? { from: from.toISOString() } : { from: from.toISOString(), to: to.toISOString() };
}

/** The period as an interval at `now`; one that goes on ends now. */
export function intervalOf(period: Period, zone: string, now: Date, firstDay = firstDayHere()): Span {
  const { from, to } = wholeSpan(period, zone, now, firstDay);
  return { from, to: "preset" in period && to > now ? now : to };
}

/**
 * The period before (-1) or after (1) a period, as long as it: a month beside a month, as many days beside days. Null if
 * it hasn't begun at `now`. If it is what a preset means, it is that preset, so that stepping back and forth returns to
 * a period that moves with the clock.
 */
export function moved(
  period: Period,
  zone: string,
  now: Date,
  by: -1 | 1,
  firstDay = firstDayHere(),
): Period | null {
  const { from, to } = movedSpan(wholeSpan(period, zone, now, firstDay), zone, by);
  if (by === 1 && from >= now) return null;
  const same = (preset: Preset) => {
    const whole = wholeSpan({ preset }, zone, now, firstDay);
    return whole.from.getTime() === from.getTime() && whole.to.getTime() === to.getTime();
  };
  // On a week's last day "this week" and "last 7 days" are the same days: stay with what was chosen.
  const calendar = "preset" in period && CALENDAR.has(period.preset);
  const matching = PRESETS.filter(same);
  const preset = matching.find((name) => CALENDAR.has(name) === calendar) ?? matching[0];
  return preset === undefined ? { from: from.toISOString(), to: to.toISOString() } : { preset };
}

/** A period for another zone: whole days stay the same dates, and everything else the same instants. */
export function inZone(period: Period, before: string, zone: string): Period {
  if (!isWholeDays(period, before) || "preset" in period) return period;
  const moveTo = (instant: string) =>
    dateOf(zonedAt(before, new Date(instant)).toPlainDate().toZonedDateTime(zone)).toISOString();
  return { from: moveTo(period.from), to: moveTo(period.to) };
}

/** Whether a fixed interval begins and ends with days of the zone. */
export function isWholeDays(period: Period, zone: string): boolean {
  if ("preset" in period) return false;
  return [period.from, period.to].every((instant) => isDayStart(zone, new Date(instant)));
}

/** The first day of the week (1 is Monday, 7 Sunday) in the region of a locale; Monday if Intl doesn't know. */
export function firstDayOf(locale: string): number {
  try {
    // Some browsers have only the older of the two, some have neither.
    const known = new Intl.Locale(locale) as unknown as WeekLocale;
    return (known.getWeekInfo?.() ?? known.weekInfo)?.firstDay ?? MONDAY;
  } catch {
    return MONDAY;
  }
}

/** The same for the viewer's region. */
export function firstDayHere(): number {
  const locale = (globalThis as { navigator?: Partial<Navigator> }).navigator?.language ?? "";
  return (firstDays[locale] ??= firstDayOf(locale));
}

const firstDays: Record<string, number> = {};

interface WeekLocale {
  getWeekInfo?(): { firstDay: number };
  weekInfo?: { firstDay: number };
}

/** The presets that are units of the calendar, rather than a number of days. */
const CALENDAR: ReadonlySet<Preset> = new Set<Preset>([
  "today",
  "yesterday",
  "week",
  "last-week",
  "month",
  "last-month",
  "quarter",
  "last-quarter",
]);

/** A preset's days, up to the end of the last one, which may not be over. */
function spanOfDays(preset: Exclude<Preset, "24h">, zone: string, now: Date, firstDay: number): Span {
  const today = zonedAt(zone, now).toPlainDate();
  const { first, days = 0, months = 0 } = daysOf(preset, today, firstDay);
  return spanOf(first, first.add({ days, months }), zone);
}

interface Days {
  first: PlainDate;
  days?: number;
  months?: number;
}

function daysOf(preset: Exclude<Preset, "24h">, today: PlainDate, firstDay: number): Days {
  const week = today.subtract({ days: (today.dayOfWeek - firstDay + 7) % 7 });
  const month = today.with({ day: 1 });
  const quarter = month.subtract({ months: (month.month - 1) % 3 });
  switch (preset) {
    case "today":
      return { first: today, days: 1 };
    case "yesterday":
      return { first: today.subtract({ days: 1 }), days: 1 };
    case "week":
      return { first: week, days: 7 };
    case "last-week":
      return { first: week.subtract({ days: 7 }), days: 7 };
    case "7d":
      return { first: today.subtract({ days: 6 }), days: 7 };
    case "30d":
      return { first: today.subtract({ days: 29 }), days: 30 };
    case "90d":
      return { first: today.subtract({ days: 89 }), days: 90 };
    case "month":
      return { first: month, months: 1 };
    case "last-month":
      return { first: month.subtract({ months: 1 }), months: 1 };
    case "quarter":
      return { first: quarter, months: 3 };
    case "last-quarter":
      return { first: quarter.subtract({ months: 3 }), months: 3 };
  }
}

/** The interval of a period, up to the end of its last hour, day, week, month or quarter. */
function wholeSpan(period: Period, zone: string, now: Date, firstDay: number): Span {
  if (!("preset" in period)) return { from: new Date(period.from), to: new Date(period.to) };
  if (period.preset !== "24h") return spanOfDays(period.preset, zone, now, firstDay);
  const hour = dateOf(zonedAt(zone, now).round({ smallestUnit: "hour", roundingMode: "floor" }));
  const end = hour.getTime() + HOUR_MS;
  return { from: new Date(end - DAY_MS), to: new Date(end) };
}

/** The interval beside one: by months if it is whole months, by days if it is whole days, else by its length. */
function movedSpan(span: Span, zone: string, by: -1 | 1): Span {
  if (!isDayStart(zone, span.from) || !isDayStart(zone, span.to)) {
    const length = by * (span.to.getTime() - span.from.getTime());
    return { from: new Date(span.from.getTime() + length), to: new Date(span.to.getTime() + length) };
  }
  const [first, after] = [span.from, span.to].map((instant) => zonedAt(zone, instant).toPlainDate());
  if (first === undefined || after === undefined) return span;
  const wholeMonths = first.day === 1 && after.day === 1;
  const length = first.until(after, { largestUnit: wholeMonths ? "months" : "days" });
  return by === 1
    ? spanOf(first.add(length), after.add(length), zone)
    : spanOf(first.subtract(length), after.subtract(length), zone);
}

function spanOf(first: PlainDate, after: PlainDate, zone: string): Span {
  return { from: dateOf(first.toZonedDateTime(zone)), to: dateOf(after.toZonedDateTime(zone)) };
}
