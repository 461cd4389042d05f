// What is used of the system's zone and languages, and what instead of one that nobody knows.

import { describe, expect, it, vi } from "vitest";
import { preferred } from "../texts";
import { localeOf, systemZone } from "./system";

/** The system tells this zone; null if asking for it throws. */
function telling(timeZone: string | undefined | null): void {
  vi.spyOn(Intl.DateTimeFormat.prototype, "resolvedOptions").mockImplementation(() => {
    if (timeZone === null) throw new RangeError("no zone");
    return { timeZone } as Intl.ResolvedDateTimeFormatOptions;
  });
}

describe("the system's zone", () => {
  it.each(["Europe/Berlin", "Asia/Kathmandu", "UTC"])("%s is used", (zone) => {
    telling(zone);
    expect(systemZone()).toEqual({ used: zone, unusable: null });
  });

  it.each([
    ["Foo/Bar", "Foo/Bar"],
    ["Etc/Unknown", "Etc/Unknown"],
    ["", ""],
    [undefined, ""],
    [null, ""],
  ])("%s isn't: UTC is", (told, unusable) => {
    telling(told);
    expect(systemZone()).toEqual({ used: "UTC", unusable });
  });
});

describe("how numbers are written", () => {
  it.each([
    ["en", ["en-US", "de"], "en-US"],
    ["en", ["de-DE", "en-GB"], "en-GB"],
    ["en", ["de-DE"], "en-DE"],
    ["de", ["de-AT", "en"], "de-AT"],
    ["de", ["en-US"], "de-US"],
    ["de", ["fr"], "de"],
  ] as const)("in %s where the system has %o", (language, given, used) => {
    expect(localeOf(language, given)).toEqual({ used, unusable: null });
  });

  it.each([
    [["C"], "C"],
    [["en_US.UTF-8"], "en_US.UTF-8"],
    [["xx-XX"], "xx-XX"],
    [[], ""],
  ])("is the language's own way where the system has %o", (given, unusable) => {
    expect(localeOf("en", given)).toEqual({ used: "en", unusable });
  });
});

it.each([
  [["de-AT", "en"], "de"],
  [["fr", "DE"], "de"],
  [["fr", "en", "de"], "en"],
  [["fr"], "en"],
  [["C"], "en"],
  [[], "en"],
])("the page speaks to %o in %s", (languages, language) => {
  expect(preferred(languages)).toBe(language);
});
