// Numbers and times, in two languages and two zones.

import { expect, it } from "vitest";
import { formatsOf } from "./formats";

const english = formatsOf("en-GB", "UTC");
const german = formatsOf("de-DE", "Europe/Berlin");

it.each([
  [1_342, "count", "1,342", ""],
  [84.1, "percent", "84.1", "%"],
  [100, "percent", "100.0", "%"],
  [1_234.5, "ms", "1,234.5", "ms"],
  [12_345, "ms", "12.3", "s"],
  [150_000, "ms", "2.5", "min"],
] as const)("%d %s", (number, unit, value, shown) => {
  expect(english.quantity(number, { unit })).toEqual({ value, unit: shown });
});

it("shows as many decimals as the API says", () => {
  expect(english.quantity(84.1, { unit: "percent", decimals: 0 }).value).toBe("84");
  expect(english.quantity(84.16, { unit: "percent", decimals: 2 }).value).toBe("84.16");
});

it.each([
  [16.7, "+16.7"],
  [-8.2, "−8.2"],
  [0, "0"],
  [-53_538.9, "−53.5k"],
])("a change of %d", (change, shown) => {
  expect(english.signed(change).toLowerCase()).toBe(shown);
});

it("speaks the reader's language", () => {
  expect(german.count(1_342)).toBe("1.342");
  expect(german.percent(84.1)).toBe("84,1 %");
});

it("shows the zone's time", () => {
  const instant = "2026-02-25T23:42:07Z";
  expect(english.clock(instant)).toBe("23:42:07");
  expect(german.clock(instant)).toBe("00:42:07");
  expect(german.tick(instant, "day")).toBe("26. Feb.");
});

it("ends a range of days with the last day in it", () => {
  const range = { from: "2026-02-18T00:00:00Z", to: "2026-02-26T00:00:00Z", granularity: "day" } as const;
  expect(english.range(range).replace(/\s*–\s*/, "–")).toBe("18–25 Feb 2026");
});
