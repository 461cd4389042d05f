// A period as it is entered, in the zone's wall time.

import { expect, it } from "vitest";
import { customPeriod } from "./DateFilter";

it("is two instants", () => {
  expect(customPeriod("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T12:00")).toEqual({
    from: "2026-03-28T11:00:00.000Z",
    to: "2026-03-29T10:00:00.000Z",
  });
});

it.each([
  ["2026-03-28T12:00", "2026-03-28T12:00", "The end must be after the start."],
  ["2026-03-28T12:00", "", "Both ends need a date and a time."],
])("says what is wrong with %s to %s", (from, to, words) => {
  expect(customPeriod("UTC", from, to)).toBe(words);
});
