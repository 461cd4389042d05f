// The range of a panel's answer, and what it is called where it isn't the page's. Pure.

import type { Interval } from "../api/answers";
import type { AllTexts } from "../texts";
import type { Formats } from "./formats";

const HOUR_MS = 60 * 60 * 1_000;

/**
 * How an answer's range differs from the page's; null if it doesn't. Some tables have only whole hours of UTC, so in zones that
 * are off by a part of an hour the API rounds their ranges outward.
 */
export function differenceOf(own: Interval, page: Interval): "wholeHours" | "other" | null {
  const before = Date.parse(page.from) - Date.parse(own.from);
  const after = Date.parse(own.to) - Date.parse(page.to);
  if (before === 0 && after === 0) return null;
  const rounded = [before, after].every((part) => part >= 0 && part < HOUR_MS);
  return rounded ? "wholeHours" : "other";
}

/** The same in words; null if there is nothing to say. */
export function ownRangeIn(
  { ownRange }: AllTexts,
  formats: Formats,
  own: Interval,
  page: Interval,
): string | null {
  const difference = differenceOf(own, page);
  return difference === null ? null : ownRange[difference](formats.moments(own.from, own.to));
}

/** What insights have judged, if that isn't all of the page's range. */
export function judgedIn(
  { ownRange }: AllTexts,
  formats: Formats,
  judged: Interval | null,
  page: Interval,
): string | null {
  if (judged === null || differenceOf(judged, page) === null) return null;
  const words = formats.moments(judged.from, judged.to);
  return Date.parse(judged.to) < Date.parse(page.to) ? ownRange.judgedClosed(words) : ownRange.judged(words);
}
