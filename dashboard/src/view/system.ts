// What the viewer's system says of itself, as far as it can be used: its time zone and its languages.

import { systemLanguages, type Language } from "../texts";
import { UTC, zoneNamed } from "./zone";

/** What is used, and what the system gave instead if that could not be used; null if it could. */
export interface SystemChoice {
  used: string;
  unusable: string | null;
}

/** The system's time zone; UTC if nobody knows a zone of that name (`TZ=Foo/Bar`). */
export function systemZone(): SystemChoice {
  const given = toldZone();
  const zone = zoneNamed(given);
  return zone === null ? { used: UTC, unusable: given } : { used: zone, unusable: null };
}

function toldZone(): string {
  try {
    // The type promises a name. Some browsers give undefined or `Etc/Unknown` if the system's zone is unknown. Of the
    // system's own locale, whose patterns the page mostly needs anyway: reading another's takes several milliseconds.
    const { timeZone }: { timeZone?: string } = new Intl.DateTimeFormat().resolvedOptions();
    return timeZone ?? "";
  } catch {
    return "";
  }
}

/**
 * How numbers and dates are written in a language: as in the region of the system's first language, so that English
 * in Germany has the day before the month.
 */
export function localeOf(language: Language, given: readonly string[] = systemLanguages()): SystemChoice {
  const tags = given.map((tag) => ({ tag, locale: localeNamed(tag) }));
  const known = tags.flatMap(({ locale }) => (locale === null ? [] : [locale]));
  const same = known.find((locale) => locale.language === language);
  const region = known[0]?.region;
  const used = same?.baseName ?? (region === undefined ? language : `${language}-${region}`);
  return { used, unusable: known.length === 0 ? (given[0] ?? "") : null };
}

/** A locale by its tag; null if it is none, or if Intl has no data for its language. */
function localeNamed(tag: string): Intl.Locale | null {
  try {
    // Not of numbers: a browser looks all its languages through once for each, and for dates it has done so by now.
    return Intl.DateTimeFormat.supportedLocalesOf([tag]).length === 0 ? null : new Intl.Locale(tag);
  } catch {
    return null;
  }
}
