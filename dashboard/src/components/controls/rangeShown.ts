// Which interval the period's button names. Pure.

import type { Interval, Range } from "../../api/answers";
import { isWholeDays } from "../../view/period";

/** The range of the answer; before it, what was chosen. The API rounds to whole hours or days, limits, and ends a range now. */
export function rangeShown(
  period: Interval,
  answered: Interval | null,
  zone: string,
): Interval & Pick<Range, "granularity"> {
  const { from, to } = answered ?? period;
  return { from, to, granularity: isWholeDays({ from, to }, zone) ? "day" : "hour" };
}
