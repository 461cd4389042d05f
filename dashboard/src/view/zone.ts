// Wall clocks of time zones, from Intl's data. Pure.
//
// A wall time is written as `datetime-local` inputs do: 2026-02-25T10:00.

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Date.parse accepts more than this. */
const WALL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

export const UTC = "UTC";

/** The zone of the viewer's machine. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** All zones, UTC first. */
export function allZones(): string[] {
  return [UTC, ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== UTC)];
}

export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The wall time of a zone at an instant, to the minute. */
export function wallOf(zone: string, instant: Date): string {
  const parts = clock(zone).formatToParts(instant);
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((found) => found.type === type)?.value ?? "";
  return `${part("year").padStart(4, "0")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}`;
}

/**
 * The instant at which a zone's clocks show a wall time; null if the text is no wall time. A wall time that spring
 * skips means the instant it would have been without the change; one that autumn repeats means the first of the two.
 */
export function instantOf(zone: string, wall: string): Date | null {
  const asUtc = WALL.test(wall) ? Date.parse(`${wall}:00Z`) : Number.NaN;
  if (Number.isNaN(asUtc)) return null;
  const offsetAt = (time: number) => Date.parse(`${wallOf(zone, new Date(time))}:00Z`) - floorToMinute(time);
  // The offsets on both sides of a nearby change, if any; the larger one gives the earlier instant.
  const offsets = [offsetAt(asUtc - DAY_MS), offsetAt(asUtc + DAY_MS)].sort((a, b) => b - a);
  const shown = offsets.find((offset) => offsetAt(asUtc - offset) === offset);
  return new Date(asUtc - (shown ?? offsetAt(asUtc - DAY_MS)));
}

/** The instant at which the zone's day of `instant`, moved by `days`, begins. */
export function dayStart(zone: string, instant: Date, days = 0): Date {
  const date = new Date(`${wallOf(zone, instant).slice(0, 10)}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + days);
  return instantOf(zone, date.toISOString().slice(0, 16)) ?? instant;
}

/** A zone's offset from UTC at an instant, as people write it: UTC+1, UTC+5:30. */
export function offsetName(zone: string, instant: Date): string {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "shortOffset" });
  const name = format.formatToParts(instant).find((part) => part.type === "timeZoneName")?.value ?? "";
  return name.replace("GMT", "UTC").replace(/[+]0$/, "");
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** Caches formats by zone: they are expensive to make, and loops ask for them. */
function clock(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
  });
  clocks.set(zone, made);
  return made;
}

function floorToMinute(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}
