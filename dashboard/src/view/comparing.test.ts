// What a comparison is called.

import { expect, it } from "vitest";
import { namedFor, namedIn } from "./comparing";

const day = (from: number, to: number) => ({
  from: `2026-11-${String(from).padStart(2, "0")}T00:00:00.000Z`,
  to: `2026-11-${String(to).padStart(2, "0")}T00:00:00.000Z`,
});

it("says that weekdays meet where the API goes back by whole weeks", () => {
  const eightDays = { current: day(23, 30), previous: day(9, 16) };
  expect(namedIn({ mode: "previous_period", ...eightDays })).toBe("same_weekdays");
  expect(namedFor("previous_period", day(20, 27))).toBe("same_weekdays");
});

it("is that of the choice otherwise", () => {
  expect(namedIn({ mode: "previous_period", current: day(23, 25), previous: day(21, 23) })).toBe(
    "previous_period",
  );
  expect(namedIn({ mode: "previous_month", current: day(23, 30), previous: day(1, 8) })).toBe(
    "previous_month",
  );
  expect(namedFor("previous_period", null)).toBe("previous_period");
  expect(namedFor("previous_period", day(20, 26))).toBe("previous_period");
});
