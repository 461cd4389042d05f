// Numbers and times as people of a language read them, in one zone. Pure.

import type { Granularity, Interval, Kpi, Range } from "../api/answers";
import { UTC } from "./zone";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
/** Durations up to this are shown in milliseconds, longer ones in seconds and minutes. */
const MILLISECONDS_SHOWN_MAX = 10_000;

/** Greater changes are written shorter (+12K): relative to a tiny value, further digits mean nothing. */
const SIGNED_IN_FULL_MAX = 10_000;

/** A value and its unit, separate because they are set in different sizes. */
export interface Quantity {
  value: string;
  unit: string;
}

type Measured = Pick<Kpi, "unit"> & Partial<Pick<Kpi, "decimals">>;

export interface Formats {
  count: (value: number) => string;
  /** For axes: 1.2K. */
  compact: (value: number) => string;
  /** One decimal at most, without the sign for per cent. */
  decimal: (value: number) => string;
  /** With a sign, always: +16.7. */
  signed: (value: number) => string;
  percent: (value: number) => string;
  duration: (milliseconds: number) => string;
  /** A KPI's value, with as many decimals as the API says. */
  quantity: (value: number, kpi: Measured) => Quantity;
  /** 10:42:07 */
  clock: (instant: string | Date) => string;
  /** 25 Feb, 10:42 */
  moment: (instant: string | Date) => string;
  /** 25 February 2026, 10:42:07 UTC+1 */
  exactly: (instant: string | Date) => string;
  /** Two moments: 25 Feb, 09:00 – 17:00 */
  period: (from: string, to: string) => string;
  /** A bucket of a range, by its start: Wed, 25 Feb, 10:00 */
  bucket: (start: string, granularity: Granularity) => string;
  /** The same on an axis: 10:00, or 25 Feb. */
  tick: (start: string, granularity: Granularity) => string;
  /** A whole range; its end is the last instant in it, not the first after it. */
  range: (range: Interval & Pick<Range, "granularity">) => string;
}

/** The formats of a language (BCP 47) and a zone (IANA). */
export function formatsOf(locale: string, zone: string): Formats {
  const number = (options?: Intl.NumberFormatOptions) => {
    const format = new Intl.NumberFormat(locale, options);
    return (value: number) => format.format(value);
  };
  const time = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
    return (instant: string | Date) => format.format(new Date(instant));
  };
  const count = number({ maximumFractionDigits: 0 });
  const decimal = number({ maximumFractionDigits: 1 });
  // Rates in a column always have one decimal, so that their digits align.
  const tenths = number({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const signed = number({ signDisplay: "exceptZero", maximumFractionDigits: 1 });
  const signedCompact = number({ signDisplay: "exceptZero", maximumFractionDigits: 1, notation: "compact" });
  const quantity = (value: number, { unit, decimals = 1 }: Measured): Quantity => {
    switch (unit) {
      case "count":
        return { value: number({ maximumFractionDigits: decimals })(value), unit: "" };
      case "percent":
        // Rates in a column always have all their decimals, so that their digits align.
        return {
          value: number({ minimumFractionDigits: decimals, maximumFractionDigits: decimals })(value),
          unit: "%",
        };
      case "ms":
        return durationOf(value, number({ maximumFractionDigits: decimals }), decimal);
    }
  };
  const tickTime = time({ hour: "2-digit", minute: "2-digit" });
  const tickDay = time({ day: "numeric", month: "short" });
  return {
    count,
    compact: number({ notation: "compact", maximumFractionDigits: 1 }),
    decimal,
    signed: (value) =>
      (Math.abs(value) < SIGNED_IN_FULL_MAX ? signed(value) : signedCompact(value)).replace("-", "−"),
    percent: (value) => `${tenths(value)} %`,
    duration: (milliseconds) =>
      joined(durationOf(milliseconds, milliseconds < 100 ? decimal : count, decimal)),
    quantity,
    clock: time({ timeStyle: "medium" }),
    moment: time({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
    exactly: time({ dateStyle: "long", timeStyle: "long" }),
    ...intervals(locale, zone),
    tick: (start, granularity) => (granularity === "hour" ? tickTime(start) : tickDay(start)),
  };
}

function intervals(locale: string, zone: string): Pick<Formats, "bucket" | "period" | "range"> {
  const format = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  const day = format({ weekday: "short", day: "numeric", month: "short" });
  const hours = format({
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  const days = format({ day: "numeric", month: "short", year: "numeric" });
  const moments = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const years = format({
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  return {
    bucket: (start, granularity) =>
      granularity === "hour" ? hours.format(new Date(start)) : day.format(new Date(start)),
    period: (from, to) => moments.formatRange(new Date(from), new Date(to)),
    range: ({ from, to, granularity }) =>
      granularity === "day"
        ? days.formatRange(new Date(from), new Date(Date.parse(to) - 1))
        : years.formatRange(new Date(from), new Date(to)),
  };
}

/** `short` writes milliseconds, `long` seconds and minutes. */
function durationOf(
  milliseconds: number,
  short: (value: number) => string,
  long: (value: number) => string,
): Quantity {
  if (milliseconds < MILLISECONDS_SHOWN_MAX) return { value: short(milliseconds), unit: "ms" };
  if (milliseconds < MINUTE_MS) return { value: long(milliseconds / SECOND_MS), unit: "s" };
  return { value: long(milliseconds / MINUTE_MS), unit: "min" };
}

/** A value with its unit in one text. */
export function joined({ value, unit }: Quantity): string {
  return unit === "" ? value : `${value} ${unit}`;
}

/** The zone that a range's days begin in: the zone the API used, whatever zone the page shows. */
export function zoneOfDays(range: Range): string {
  return range.timezone ?? UTC;
}
