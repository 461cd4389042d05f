// A fixed period while it is being chosen: two days, and perhaps two times of them. Pure.

import type { Period } from "../../view/period";
import { intervalOf, isWholeDays } from "../../view/period";
import { temporal } from "../../view/temporal";
import { dateOf, instantOf, wallOf } from "../../view/zone";

/** As inputs have it: days as 2026-02-25, times as 10:30. */
export interface Draft {
  from: string;
  /** Empty: where the day begins. */
  fromTime: string;
  /** The last day, not the first after it. */
  to: string;
  /** Empty: where the day ends. */
  toTime: string;
}

export type DraftTrouble = "incomplete" | "reversed" | "future";

/** The draft that means this period; of a preset, its days. */
export function draftOf(period: Period, zone: string, now: Date): Draft {
  const { from, to } = intervalOf(period, zone, now);
  const [first = "", fromTime = ""] = wallOf(zone, from).split("T");
  const [last = ""] = wallOf(zone, new Date(Math.max(from.getTime(), to.getTime() - 1))).split("T");
  if ("preset" in period || isWholeDays(period, zone))
    return { from: first, fromTime: "", to: last, toTime: "" };
  const [end = "", toTime = ""] = wallOf(zone, to).split("T");
  return {
    from: first,
    fromTime: time(fromTime),
    to: time(toTime) === "" ? last : end,
    toTime: time(toTime),
  };
}

/** The period that the draft means, or what is wrong with it. */
export function periodOf(draft: Draft, zone: string, now: Date): Period | DraftTrouble {
  const from = instantIn(zone, draft.from, draft.fromTime, 0);
  const to = instantIn(zone, draft.to, draft.toTime, 1);
  if (from === null || to === null) return "incomplete";
  if (from >= to) return "reversed";
  if (from > now) return "future";
  return { from: from.toISOString(), to: to.toISOString() };
}

/** How many days a draft has, the last one included; null while it has none. */
export function daysIn({ from, to }: Draft): number | null {
  try {
    const { PlainDate } = temporal();
    const { days } = PlainDate.from(from).until(PlainDate.from(to), { largestUnit: "days" });
    return days < 0 ? null : days + 1;
  } catch {
    return null; // an end is missing
  }
}

/** The instant of a time of a day; without a time, the beginning of the day that is `days` later. */
function instantIn(zone: string, date: string, at: string, days: 0 | 1): Date | null {
  if (at !== "") return instantOf(zone, `${date}T${at.slice(0, 5)}`);
  try {
    return dateOf(temporal().PlainDate.from(date).add({ days }).toZonedDateTime(zone));
  } catch {
    return null;
  }
}

function time(wall: string): string {
  return wall === "00:00" ? "" : wall;
}
