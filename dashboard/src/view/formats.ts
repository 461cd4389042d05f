// Numbers and times as people of a language read them, in one zone. Pure.

import type { Granularity, Interval, Kpi, Range } from "../api/answers";
import { serverNow } from "../api/serverClock";
import type { Texts } from "../texts";
import { UTC } from "./zone";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Counts from this on are written short (12.4K). */
const SHORT_FROM = 10_000;
/** Digits of a short count, and of a duration: more would say nothing to a reader. */
const DIGITS = 3;
/** Digits of an estimate: percentiles come from a histogram. */
const DIGITS_OF_ESTIMATE = 2;

/** Between a number and its unit, so that no line ends there. */
const GAP = "\u00a0";
/** Intl writes a hyphen. */
const MINUS = "−";

/** A value and its unit, separate because they are set in different sizes; `text` has both, `exact` every digit. */
export interface Quantity {
  value: string;
  unit: string;
  text: string;
  exact: string;
}

type Measured = Pick<Kpi, "unit"> & Partial<Pick<Kpi, "decimals">>;

export interface Formats {
  /** BCP 47; of what Intl is given. */
  locale: string;
  /** Every digit: 12,408. */
  count: (value: number) => string;
  /** Every digit below 10,000, otherwise three of them: 12.4K. */
  compact: (value: number) => string;
  /** One decimal at most, without the sign for per cent. */
  decimal: (value: number) => string;
  /** With a sign, always: +16.7. */
  signed: (value: number) => string;
  /** A number of per cents, with one decimal: 84.1%. */
  percent: (value: number) => string;
  /** A change in per cent: +16.1%. */
  change: (percent: number) => string;
  /** A change of a rate in percentage points: −7.5 pts. */
  points: (points: number) => string;
  /** 940 ms, 1.88 s, 2 min 5 s. */
  duration: (milliseconds: number) => string;
  /** The same for an estimate, such as a percentile: about 5.5 s. */
  estimate: (milliseconds: number) => string;
  /** An estimate without the word, for tables: 5.5 s. */
  rounded: (milliseconds: number) => string;
  /** A KPI's value, with as many decimals as the API says. */
  quantity: (value: number, kpi: Measured) => Quantity;
  /** How long ago, in the largest unit that fits: 3 days ago. */
  ago: (milliseconds: number) => string;
  /** 10:42:07 */
  clock: (instant: string | Date) => string;
  /** The same, with the date unless it is today: 25 Feb, 10:42:07. */
  dated: (instant: string | Date, now?: Date) => string;
  /** 25 Feb, 10:42 */
  moment: (instant: string | Date) => string;
  /** 25 February 2026, 10:42:07 UTC+1 */
  exactly: (instant: string | Date) => string;
  /** Wed, 25 Feb */
  day: (instant: string | Date) => string;
  /** Two moments: 25 Feb, 09:00 – 17:00 */
  period: (from: string, to: string) => string;
  /** The same with weekdays: Mon 23 Nov, 23:30 – Wed 25 Nov, 00:30 */
  moments: (from: string, to: string) => string;
  /** A bucket of a range, by its start: Wed, 25 Feb, 10:00 */
  bucket: (start: string, granularity: Granularity) => string;
  /** The same on an axis: 10:00, or 25 Feb. */
  tick: (start: string, granularity: Granularity) => string;
  /** A whole range; its end is the last instant in it, not the first after it. */
  range: (range: Interval & Pick<Range, "granularity">) => string;
}

/** The formats of a language and region (BCP 47) and a zone (IANA), with the words of the page's language. */
export function formatsOf(locale: string, zone: string, words: Texts["formats"]): Formats {
  return { locale, ...numbers(locale, words), ...instants(locale, zone), ...intervals(locale, zone) };
}

type Numbers =
  | "count"
  | "compact"
  | "decimal"
  | "signed"
  | "percent"
  | "change"
  | "points"
  | "duration"
  | "estimate"
  | "rounded"
  | "quantity"
  | "ago";

/** Makes it when it is first asked for: making a format takes the browser longer than using it. */
function once<Made extends object>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}

function numbers(locale: string, words: Texts["formats"]): Pick<Formats, Numbers> {
  const format = (options: Intl.NumberFormatOptions) => {
    const made = once(() => new Intl.NumberFormat(locale, options));
    return (value: number) => made().format(value).replace("-", MINUS);
  };
  const byDecimals = (make: (decimals: number) => (value: number) => string) => {
    const made: Record<number, (value: number) => string> = {};
    return (decimals: number) => (made[decimals] ??= make(decimals));
  };
  const count = format({ maximumFractionDigits: 0 });
  const decimal = format({ maximumFractionDigits: 1 });
  const signed = format({ signDisplay: "exceptZero", maximumFractionDigits: 1 });
  const short = format({ notation: "compact", maximumSignificantDigits: DIGITS });
  const compact = (value: number) => (Math.abs(value) < SHORT_FROM ? decimal(value) : short(value));
  const digits = format({ maximumSignificantDigits: DIGITS });
  const fewDigits = format({ maximumSignificantDigits: DIGITS_OF_ESTIMATE });
  const rounded = (milliseconds: number) => durationOf(milliseconds, fewDigits, fewDigits).text;
  // Rates in a column always have all their decimals, so that their digits align.
  const fixed = byDecimals((decimals) =>
    format({ minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
  const atMost = byDecimals((decimals) => format({ maximumFractionDigits: decimals }));
  const inPercent = (options: Intl.NumberFormatOptions) => {
    const percent = format({ style: "percent", ...options });
    return (value: number) => percent(value / 100);
  };
  const percents = byDecimals((decimals) =>
    inPercent({ minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
  const quantity = (value: number, { unit, decimals = 1 }: Measured): Quantity => {
    switch (unit) {
      case "count":
        return { value: compact(value), unit: "", text: compact(value), exact: decimal(value) };
      case "percent": {
        const text = percents(decimals)(value);
        return { value: fixed(decimals)(value), unit: "%", text, exact: text };
      }
      case "ms": {
        const exact = `${atMost(decimals)(value)}${GAP}ms`;
        return { ...durationOf(value, digits, count), exact };
      }
    }
  };
  const relative = once(() => new Intl.RelativeTimeFormat(locale));
  return {
    count,
    compact,
    decimal,
    signed,
    percent: percents(1),
    change: inPercent({ signDisplay: "exceptZero", maximumFractionDigits: 1 }),
    points: (points) => words.points(signed(points)),
    duration: (milliseconds) => durationOf(milliseconds, digits, count).text,
    estimate: (milliseconds) => words.about(rounded(milliseconds)),
    rounded,
    quantity,
    ago: (milliseconds) => {
      if (milliseconds < MINUTE_MS) return words.justNow;
      if (milliseconds < HOUR_MS) return relative().format(-Math.floor(milliseconds / MINUTE_MS), "minute");
      if (milliseconds < DAY_MS) return relative().format(-Math.floor(milliseconds / HOUR_MS), "hour");
      return relative().format(-Math.floor(milliseconds / DAY_MS), "day");
    },
  };
}

/** `digits` writes numbers with a few digits, `count` whole ones. The units are the same in all languages. */
function durationOf(
  milliseconds: number,
  digits: (value: number) => string,
  count: (value: number) => string,
): Pick<Quantity, "value" | "unit" | "text"> {
  const of = (value: string, unit: string) => ({ value, unit, text: `${value}${GAP}${unit}` });
  // By what is written, so that 999.6 ms isn't 1,000 ms.
  if (Math.round(milliseconds) < SECOND_MS) {
    return of(milliseconds < 100 ? digits(milliseconds) : count(milliseconds), "ms");
  }
  const seconds = milliseconds / SECOND_MS;
  if (Math.round(seconds) < 60) return of(digits(seconds), "s");
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return inTwo(minutes, "min", whole % 60, "s", count);
  const rounded = Math.round(whole / 60);
  return inTwo(Math.floor(rounded / 60), "h", rounded % 60, "min", count);
}

/** 2 min 5 s; without the smaller unit if there is none of it. */
function inTwo(
  large: number,
  largeUnit: string,
  small: number,
  smallUnit: string,
  count: (value: number) => string,
): Pick<Quantity, "value" | "unit" | "text"> {
  const whole = `${count(large)}${GAP}${largeUnit}`;
  if (small === 0) return { value: count(large), unit: largeUnit, text: whole };
  const value = `${whole} ${count(small)}`;
  return { value, unit: smallUnit, text: `${value}${GAP}${smallUnit}` };
}

type Instants = "clock" | "dated" | "moment" | "exactly" | "day" | "tick";

const HOUR_AND_MINUTE = { hour: "2-digit", minute: "2-digit" } as const;
const DAY_AND_MONTH = { day: "numeric", month: "short" } as const;

function instants(locale: string, zone: string): Pick<Formats, Instants> {
  const time = (options: Intl.DateTimeFormatOptions) => {
    const made = once(() => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
    return (instant: string | Date) => made().format(new Date(instant));
  };
  const clock = time({ timeStyle: "medium" });
  const date = time({ dateStyle: "short" });
  const year = time({ year: "numeric" });
  const seconds = { ...HOUR_AND_MINUTE, second: "2-digit" } as const;
  const thisYear = time({ ...DAY_AND_MONTH, ...seconds });
  const anyYear = time({ ...DAY_AND_MONTH, year: "numeric", ...seconds });
  const tickTime = time(HOUR_AND_MINUTE);
  const tickDay = time(DAY_AND_MONTH);
  return {
    clock,
    dated: (instant, now = serverNow()) => {
      if (date(instant) === date(now)) return clock(instant);
      return year(instant) === year(now) ? thisYear(instant) : anyYear(instant);
    },
    moment: time({ ...DAY_AND_MONTH, ...HOUR_AND_MINUTE }),
    exactly: time({ dateStyle: "long", timeStyle: "long" }),
    day: time({ weekday: "short", ...DAY_AND_MONTH }),
    tick: (start, granularity) => (granularity === "hour" ? tickTime(start) : tickDay(start)),
  };
}

function intervals(locale: string, zone: string): Pick<Formats, "bucket" | "period" | "moments" | "range"> {
  const format = (options: Intl.DateTimeFormatOptions) =>
    once(() => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));
  const day = format({ weekday: "short", ...DAY_AND_MONTH });
  const hours = format({ weekday: "short", ...DAY_AND_MONTH, ...HOUR_AND_MINUTE });
  const days = format({ ...DAY_AND_MONTH, year: "numeric" });
  const moments = format({ ...DAY_AND_MONTH, ...HOUR_AND_MINUTE });
  const years = format({ ...DAY_AND_MONTH, year: "numeric", ...HOUR_AND_MINUTE });
  return {
    bucket: (start, granularity) =>
      granularity === "hour" ? hours().format(new Date(start)) : day().format(new Date(start)),
    period: (from, to) => moments().formatRange(new Date(from), new Date(to)),
    moments: (from, to) => hours().formatRange(new Date(from), new Date(to)),
    range: ({ from, to, granularity }) =>
      granularity === "day"
        ? days().formatRange(new Date(from), new Date(Date.parse(to) - 1))
        : years().formatRange(new Date(from), new Date(to)),
  };
}

/** A value with its unit in one text. */
export function joined({ text }: Quantity): string {
  return text;
}

/** The zone that a range's days begin in: the zone the API used, whatever zone the page shows. */
export function zoneOfDays(range: Range): string {
  return range.timezone ?? UTC;
}
