// Finds time zones by what people call them: cities, countries, abbreviations, offsets, names of zones. Pure.

import { folded } from "./folded";
import type { Span } from "./period";
import { nameOfOffset, offsetAt, placeOf, UTC, zoneNamed } from "./zone";
import { ABBREVIATIONS, CITIES, COUNTRIES, COUNTRY_NAMES, MAJOR } from "./zonePlaces";

export interface ZoneFound {
  zone: string;
  /** The place that was found: Munich. */
  place: string;
  /** The country of the place; empty for UTC. */
  country: string;
  /** What the zone's time is called: Central European Time. */
  name: string;
  /** The offset over the range; both, if clocks change in it. */
  offset: string;
}

export interface ZoneSearch {
  /** What the text may mean, the likeliest first; offsets are those in the range. */
  find: (text: string, over: Span) => readonly ZoneFound[];
  describe: (zone: string, over: Span) => ZoneFound;
  /** These zones, then those that most people look for. */
  likely: (first: readonly string[], over: Span) => readonly ZoneFound[];
}

/** More results are no help: another letter is. */
const FOUND_MAX = 12;
const LIKELY_MAX = 9;

/** How good a match is; of equally good ones the zone that more people mean comes first. */
const SCORES = {
  abbreviation: 100,
  zone: 95,
  place: 90,
  country: 80,
  placeBegins: 70,
  countryBegins: 60,
  placeWordBegins: 50,
  countryWordBegins: 45,
  nameWordBegins: 40,
  zoneWordBegins: 30,
} as const;

/** Shorter texts are in too many names of zones. */
const NAME_LENGTH_MIN = 3;
const OFFSET = /^(?:utc|gmt)?\s*([+\-−–])\s*(\d{1,2})(?:[:.]?(\d{2}))?$/i;

/** The search in a language (BCP 47). Making one takes a while, so it is kept. */
export function zoneSearch(locale: string): ZoneSearch {
  return (searches[locale] ??= makeSearch(locale));
}

const searches: Record<string, ZoneSearch> = {};

interface Name {
  shown: string;
  /** In small letters, without accents; ä also as ae. */
  folded: readonly string[];
}

interface Entry {
  zone: string;
  /** The zone's own place first, then other cities. */
  places: readonly Name[];
  country: Name;
  /** Other names of the country, and its code. */
  otherCountry: readonly string[];
  rank: number;
}

function makeSearch(locale: string): ZoneSearch {
  const entries = entriesIn(locale);
  const byZone = new Map(entries.map((entry) => [entry.zone, entry]));
  const names = new Map<string, string>();
  const nameOf = (zone: string, { to }: Span): string => {
    const name = names.get(zone) ?? longName(zone, locale, to);
    names.set(zone, name);
    return name;
  };
  const found = (zone: string, over: Span, place?: Name): ZoneFound => {
    const entry = byZone.get(zone);
    return {
      zone,
      place: place?.shown ?? entry?.places[0]?.shown ?? placeOf(zone),
      country: entry?.country.shown ?? "",
      name: nameOf(zone, over),
      offset: offsetsOver(zone, over).map(nameOfOffset).join(" / "),
    };
  };
  return {
    find: (text, over) => {
      const offset = offsetIn(text);
      if (offset !== null) {
        return entries
          .filter(({ zone }) => offsetsOver(zone, over).includes(offset))
          .sort((a, b) => a.rank - b.rank)
          .slice(0, FOUND_MAX)
          .map(({ zone }) => found(zone, over));
      }
      return matches(text, entries, (zone) => nameOf(zone, over))
        .slice(0, FOUND_MAX)
        .map(({ zone, place }) => found(zone, over, place));
    },
    describe: (zone, over) => found(zone, over),
    likely: (first, over) =>
      [...new Set([...first, ...MAJOR])].slice(0, LIKELY_MAX).map((zone) => found(zone, over)),
  };
}

interface Match {
  zone: string;
  /** The place that matched; undefined if something else did. */
  place: Name | undefined;
  score: number;
  rank: number;
}

function matches(text: string, entries: readonly Entry[], nameOf: (zone: string) => string): Match[] {
  const [wanted = ""] = folded(text);
  if (wanted === "") return [];
  const abbreviated = (ABBREVIATIONS[text.trim().toUpperCase()] ?? "").split(" ");
  const named = text.includes("/") ? zoneNamed(text.trim()) : null;
  const all = entries.flatMap((entry) => {
    const place = abbreviated.indexOf(entry.zone);
    if (place !== -1) return [matchOf(entry, SCORES.abbreviation, undefined, place)];
    if (entry.zone === named) return [matchOf(entry, SCORES.zone)];
    return bestMatch(entry, wanted, nameOf);
  });
  // A zone without a country, such as Etc/GMT+5.
  if (named !== null && !entries.some(({ zone }) => zone === named))
    all.push({ zone: named, place: undefined, score: SCORES.zone, rank: 0 });
  return all.sort((a, b) => b.score - a.score || a.rank - b.rank);
}

function matchOf(entry: Entry, score: number, place?: Name, rank = entry.rank): Match {
  return { zone: entry.zone, place, score, rank };
}

function bestMatch(entry: Entry, wanted: string, nameOf: (zone: string) => string): Match[] {
  const place = (fits: (name: string) => boolean) => entry.places.find((name) => name.folded.some(fits));
  const country = (fits: (name: string) => boolean) =>
    [...entry.country.folded, ...entry.otherCountry].some(fits);
  const is = (name: string) => name === wanted;
  const begins = (name: string) => name.startsWith(wanted);
  const wordBegins = (name: string) => ` ${name}`.includes(` ${wanted}`);
  const whole = place(is);
  if (whole !== undefined) return [matchOf(entry, SCORES.place, whole)];
  if (country(is)) return [matchOf(entry, SCORES.country)];
  const beginning = place(begins);
  if (beginning !== undefined) return [matchOf(entry, SCORES.placeBegins, beginning)];
  if (entry.country.folded.some(begins)) return [matchOf(entry, SCORES.countryBegins)];
  const inside = place(wordBegins);
  if (inside !== undefined) return [matchOf(entry, SCORES.placeWordBegins, inside)];
  if (country(wordBegins)) return [matchOf(entry, SCORES.countryWordBegins)];
  if (wanted.length < NAME_LENGTH_MIN) return [];
  if (folded(nameOf(entry.zone)).some(wordBegins)) return [matchOf(entry, SCORES.nameWordBegins)];
  return folded(entry.zone).some(wordBegins) ? [matchOf(entry, SCORES.zoneWordBegins)] : [];
}

function entriesIn(locale: string): Entry[] {
  const german = locale.toLowerCase().startsWith("de");
  const regions = [locale, "en"].map((tag) => new Intl.DisplayNames([tag], { type: "region" }));
  const countries = Object.entries(COUNTRIES).flatMap(([code, zones]) => {
    const [shown = code, english = code] = regions.map((names) => names.of(code) ?? code);
    const others = `${english}, ${COUNTRY_NAMES[code] ?? ""}, ${code}`.split(", ").flatMap(folded);
    return zones.split(" ").map((zone) => ({ zone, country: nameFrom(shown), otherCountry: others }));
  });
  return [...countries, { zone: UTC, country: nameFrom(""), otherCountry: [] }]
    .filter(({ zone }) => zoneNamed(zone) === zone)
    .map((part, index) => {
      const major = MAJOR.indexOf(part.zone);
      const rank = part.zone === UTC ? -1 : major === -1 ? MAJOR.length + index : major;
      return { ...part, places: placesOf(part.zone, german), rank };
    });
}

/** The zone's own place, as the language writes it, and the other cities that have its time. */
function placesOf(zone: string, german: boolean): Name[] {
  const own = placeOf(zone);
  const cities = (CITIES[zone] ?? "")
    .split(", ")
    .filter((city) => city !== "")
    .map((city) => {
      const [english = city, inGerman = english] = city.split("=");
      const shown = german ? inGerman : english;
      return { shown, folded: [...folded(english), ...folded(inGerman)] };
    });
  const [first] = cities;
  return first !== undefined && first.folded.some((name) => folded(own).includes(name))
    ? cities
    : [nameFrom(own), ...cities];
}

function nameFrom(shown: string): Name {
  return { shown, folded: folded(shown) };
}

/** The offset that a text says, in minutes east of UTC: `UTC+1`, `+5:30`, `-0330`; null if it says none. */
export function offsetIn(text: string): number | null {
  const [whole, sign, hours, minutes = "0"] = OFFSET.exec(text.trim()) ?? [];
  if (whole === undefined || Number(minutes) >= 60) return null;
  const offset = 60 * Number(hours) + Number(minutes);
  return sign === "+" ? offset : -offset;
}

/** The zone's offsets at both ends of a range, in minutes east of UTC; one if they are the same. */
function offsetsOver(zone: string, { from, to }: Span): number[] {
  return [...new Set([from, to].map((instant) => offsetAt(zone, instant)))];
}

/** What a zone's time is called, in winter and in summer. Around `instant`: zones give summer time up. */
function longName(zone: string, locale: string, instant: Date): string {
  const timeZoneName = zone === UTC ? "long" : "longGeneric";
  const format = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName });
  return format.formatToParts(instant).find(({ type }) => type === "timeZoneName")?.value ?? "";
}
