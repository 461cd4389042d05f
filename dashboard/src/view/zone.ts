// Time zones: their names, their offsets, and what their clocks show. Pure.
//
// A wall time is written as `datetime-local` inputs do: 2026-02-25T10:00. A date is written 2026-02-25.

import { temporal, type ZonedDateTime } from "./temporal";

export const UTC = "UTC";

/** Temporal accepts more than this: offsets, and whole times with a zone. */
const NAME = /^[a-z][a-z0-9_+\-/]*$/i;
/** Temporal accepts more than this, too. */
const WALL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/;

/** The present names of zones that browsers may still have under an earlier one. */
const RENAMED: Readonly<Record<string, string>> = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca",
  "America/Cordoba": "America/Argentina/Cordoba",
  "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis",
  "America/Jujuy": "America/Argentina/Jujuy",
  "America/Louisville": "America/Kentucky/Louisville",
  "America/Mendoza": "America/Argentina/Mendoza",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Dacca": "Asia/Dhaka",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Asia/Thimbu": "Asia/Thimphu",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Etc/UCT": UTC,
  "Etc/UTC": UTC,
  "Etc/Universal": UTC,
  "Etc/Zulu": UTC,
  "Europe/Kiev": "Europe/Kyiv",
  "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei",
  "Pacific/Truk": "Pacific/Chuuk",
  UCT: UTC,
  Universal: UTC,
  Zulu: UTC,
};

/** The areas whose zones are named after places; others, such as `US/Pacific`, are not. */
const AREAS = /^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)\//;
/** Zones with a fixed offset; their sign is the opposite of what people write. */
const FIXED = /^Etc\/GMT([+-])(\d+)$/;

/** The IANA name of the zone that has this name in any case, or had it once; null if none has. */
export function zoneNamed(name: string): string | null {
  const known = knownName(name);
  if (known === null) return null;
  const renamed = RENAMED[known];
  return (renamed === undefined ? null : knownName(renamed)) ?? known;
}

function knownName(name: string): string | null {
  // ICU has a zone for "unknown".
  if (!NAME.test(name) || /^etc\/unknown$/i.test(name)) return null;
  try {
    return temporal().Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch {
    return null;
  }
}

/** What people call a zone: by its city, or by its offset. */
export function placeOf(zone: string): string {
  const fixed = FIXED.exec(zone);
  if (fixed !== null) return fixed[2] === "0" ? UTC : `UTC${fixed[1] === "+" ? "−" : "+"}${fixed[2]}`;
  if (!AREAS.test(zone)) return zone.replace("/", " ").replaceAll("_", " ");
  const [, region = "", city = region] = zone.replaceAll("_", " ").split("/");
  return city === region || region === "Argentina" ? city : `${city}, ${region}`;
}

/** A zone's offset at an instant, as people write it: UTC+1, UTC−3:30. */
export function offsetName(zone: string, instant: Date): string {
  return nameOfOffset(offsetAt(zone, instant));
}

/** A zone's offset at an instant, in minutes east of UTC. */
export function offsetAt(zone: string, instant: Date): number {
  return Math.round(zonedAt(zone, instant).offsetNanoseconds / 60e9);
}

export function nameOfOffset(minutes: number): string {
  if (minutes === 0) return UTC;
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? "−" : "+"}${hours}${rest === 0 ? "" : `:${String(rest).padStart(2, "0")}`}`;
}

/** What a zone's clock and calendar show at an instant. */
export function zonedAt(zone: string, instant: Date): ZonedDateTime {
  return temporal().Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);
}

/** The wall time of a zone at an instant, to the minute. */
export function wallOf(zone: string, instant: Date): string {
  return zonedAt(zone, instant).toPlainDateTime().toString({ smallestUnit: "minute" });
}

/**
 * The instant at which a zone's clocks show a wall time; null if the text is no wall time. A wall time that spring
 * skips means the instant it would have been without the change; one that autumn repeats means the first of the two.
 */
export function instantOf(zone: string, wall: string): Date | null {
  if (!WALL.test(wall)) return null;
  try {
    const time = temporal().PlainDateTime.from(wall, { overflow: "reject" });
    return dateOf(time.toZonedDateTime(zone, { disambiguation: "compatible" }));
  } catch {
    return null;
  }
}

/** The instant at which the zone's day of `instant`, moved by `days`, begins: its first moment, if it has no midnight. */
export function dayStart(zone: string, instant: Date, days = 0): Date {
  return dateOf(zonedAt(zone, instant).toPlainDate().add({ days }).toZonedDateTime(zone));
}

/** Whether a day of the zone begins at this instant. */
export function isDayStart(zone: string, instant: Date): boolean {
  return dayStart(zone, instant).getTime() === instant.getTime();
}

/** The same instant, as the rest of the page has it. */
export function dateOf({ epochMilliseconds }: ZonedDateTime): Date {
  return new Date(epochMilliseconds);
}
