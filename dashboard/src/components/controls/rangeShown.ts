// Which interval the period's button names. Pure.

import type { Interval, Range } from "../../api/answers";
import { isWholeDays } from "../../view/period";

const DAY_MS = 24 * 60 * 60 * 1_000;

/**
 * A fixed period as the answer limited it. An answer to another period, which is still shown while the next is loaded,
 * says nothing about this one. That the API rounds to whole hours, and ends a range now, is left out: the period is what
 * was chosen. Of a period that hasn't begun the API shows the latest hour, and so does the button.
 */
export function rangeShown(
  period: Interval,
  answered: Interval | null,
  zone: string,
  now: Date,
): Interval & Pick<Range, "granularity"> {
  const [from, to] = [Date.parse(period.from), Date.parse(period.to)];
  let shown = period;
  if (answered !== null && from > now.getTime()) {
    shown = answered;
  } else if (answered !== null) {
    const [start, end] = [Date.parse(answered.from), Date.parse(answered.to)];
    const isOfThis = start >= from - DAY_MS && end <= to + DAY_MS && start < to && end > from;
    if (isOfThis && start - from >= DAY_MS) shown = { ...shown, from: answered.from };
    if (isOfThis && to - end >= DAY_MS) shown = { ...shown, to: answered.to };
  }
  return { ...shown, granularity: isWholeDays(shown, zone) ? "day" : "hour" };
}
