// Numbers and times, in two languages and two zones.

import { describe, expect, it } from "vitest";
import { de } from "../texts/de";
import { en } from "../texts/en";
import { formatsOf } from "./formats";

const english = formatsOf("en-GB", "UTC", en.formats);
const american = formatsOf("en-US", "UTC", en.formats);
const german = formatsOf("de-DE", "Europe/Berlin", de.formats);

/** Intl's spaces between a number and its sign don't break; which ones it uses is its own affair. */
const plain = (text: string) => text.replace(/[\u00a0\u202f\u2009]/g, " ");

describe("a quantity", () => {
  it.each([
    [1_342, "count", "1,342", "1,342"],
    [9_999, "count", "9,999", "9,999"],
    [12_408, "count", "12.4K", "12,408"],
    [1_240_800, "count", "1.24M", "1,240,800"],
    [84.1, "percent", "84.1%", "84.1%"],
    [100, "percent", "100.0%", "100.0%"],
    [0, "ms", "0 ms", "0 ms"],
    [7.25, "ms", "7.25 ms", "7.3 ms"],
    [940.4, "ms", "940 ms", "940.4 ms"],
    [999.7, "ms", "1 s", "999.7 ms"],
    [1_883.5, "ms", "1.88 s", "1,883.5 ms"],
    [12_345, "ms", "12.3 s", "12,345 ms"],
    [59_700, "ms", "1 min", "59,700 ms"],
    [125_000, "ms", "2 min 5 s", "125,000 ms"],
    [3_600_000, "ms", "1 h", "3,600,000 ms"],
    [3_780_000, "ms", "1 h 3 min", "3,780,000 ms"],
    [7_199_900, "ms", "2 h", "7,199,900 ms"],
  ] as const)("of %d %s reads %s", (number, unit, text, exact) => {
    const quantity = american.quantity(number, { unit });
    expect([quantity.text, quantity.exact].map(plain)).toEqual([text, exact]);
    expect(plain(`${quantity.value} ${quantity.unit}`).replace(" %", "%").trim()).toBe(text);
  });

  it("has as many decimals as the API says", () => {
    expect(english.quantity(84.1, { unit: "percent", decimals: 0 }).text).toBe("84%");
    expect(english.quantity(84.16, { unit: "percent", decimals: 2 }).text).toBe("84.16%");
  });
});

it.each([
  [5_512, "about 5.5 s"],
  [87.6, "about 88 ms"],
  [912, "about 910 ms"],
  [125_000, "about 2 min 5 s"],
])("an estimate of %d ms", (milliseconds, text) => {
  expect(plain(english.estimate(milliseconds))).toBe(text);
  expect(plain(english.rounded(milliseconds))).toBe(text.replace("about ", ""));
});

it.each([
  [16.12, "+16.1%", "+16.1", "+16.1 pts"],
  [-8.2, "−8.2%", "−8.2", "−8.2 pts"],
  [0, "0%", "0", "0 pts"],
])("a change of %d", (change, percent, signed, points) => {
  expect(english.change(change)).toBe(percent);
  expect(english.signed(change)).toBe(signed);
  expect(plain(english.points(change))).toBe(points);
});

it.each([
  [-5, "just now"],
  [59_999, "just now"],
  [60_000, "1 minute ago"],
  [7_199_999, "1 hour ago"],
  [3 * 86_400_000, "3 days ago"],
])("%d ms ago", (milliseconds, text) => {
  expect(english.ago(milliseconds)).toBe(text);
});

it("speaks the reader's language", () => {
  expect(german.count(1_342)).toBe("1.342");
  expect(plain(german.percent(84.1))).toBe("84,1 %");
  expect(plain(german.duration(1_883.5))).toBe("1,88 s");
  expect(plain(german.estimate(5_512))).toBe("etwa 5,5 s");
  expect(german.ago(3 * 86_400_000)).toBe("vor 3 Tagen");
});

it("shows the zone's time", () => {
  const instant = "2026-02-25T23:42:07Z";
  expect(english.clock(instant)).toBe("23:42:07");
  expect(german.clock(instant)).toBe("00:42:07");
  expect(german.tick(instant, "day")).toBe("26. Feb.");
});

it("shows the date with a time, unless it is today in the zone", () => {
  const instant = "2026-02-25T22:42:07Z";
  expect(english.dated(instant, new Date("2026-02-25T22:59:00Z"))).toBe("22:42:07");
  expect(german.dated(instant, new Date("2026-02-25T22:59:00Z"))).toBe("23:42:07");
  // Midnight has passed in Berlin only.
  expect(english.dated(instant, new Date("2026-02-25T23:10:00Z"))).toBe("22:42:07");
  expect(german.dated(instant, new Date("2026-02-25T23:10:00Z"))).toBe("25. Feb., 23:42:07");
  expect(english.dated(instant, new Date("2027-02-25T22:59:00Z"))).toMatch(/25 Feb 2026,? 22:42:07/);
});

it("ends a range of days with the last day in it", () => {
  const range = { from: "2026-02-18T00:00:00Z", to: "2026-02-26T00:00:00Z", granularity: "day" } as const;
  expect(english.range(range).replace(/\s*–\s*/, "–")).toBe("18–25 Feb 2026");
});
