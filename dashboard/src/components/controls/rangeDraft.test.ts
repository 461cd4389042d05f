// Drafts of a period, and the periods that they mean.

import { describe, expect, it } from "vitest";
import type { Period } from "../../view/period";
import { loadTemporal } from "../../view/temporal";
import { daysIn, type Draft, draftOf, periodOf } from "./rangeDraft";

await loadTemporal();

const BERLIN = "Europe/Berlin";
const NOW = new Date("2026-02-25T10:30:00Z");

const draft = (from: string, to: string, fromTime = "", toTime = ""): Draft => ({
  from,
  fromTime,
  to,
  toTime,
});

describe("a period and its draft", () => {
  it.each<[string, Draft, string, string]>([
    ["one day", draft("2026-02-24", "2026-02-24"), "2026-02-23T23:00:00.000Z", "2026-02-24T23:00:00.000Z"],
    ["a month", draft("2026-01-01", "2026-01-31"), "2025-12-31T23:00:00.000Z", "2026-01-31T23:00:00.000Z"],
    [
      "the day clocks go forward",
      draft("2025-03-30", "2025-03-30"),
      "2025-03-29T23:00:00.000Z",
      "2025-03-30T22:00:00.000Z",
    ],
    [
      "hours of a day",
      draft("2026-02-24", "2026-02-24", "09:15", "17:00"),
      "2026-02-24T08:15:00.000Z",
      "2026-02-24T16:00:00.000Z",
    ],
    [
      "from a time to the end of a day",
      draft("2026-02-23", "2026-02-24", "12:00"),
      "2026-02-23T11:00:00.000Z",
      "2026-02-24T23:00:00.000Z",
    ],
    [
      "from the beginning of a day to a time",
      draft("2026-02-23", "2026-02-24", "", "06:30"),
      "2026-02-22T23:00:00.000Z",
      "2026-02-24T05:30:00.000Z",
    ],
  ])("%s", (_, chosen, from, to) => {
    expect(periodOf(chosen, BERLIN, NOW)).toEqual({ from, to });
    expect(draftOf({ from, to }, BERLIN, NOW)).toEqual(chosen);
  });

  it.each<[Period, Draft]>([
    [{ preset: "today" }, draft("2026-02-25", "2026-02-25")],
    [{ preset: "24h" }, draft("2026-02-24", "2026-02-25")],
    [{ preset: "7d" }, draft("2026-02-19", "2026-02-25")],
    [{ preset: "last-month" }, draft("2026-01-01", "2026-01-31")],
  ])("%o begins as its days", (period, days) => {
    expect(draftOf(period, BERLIN, NOW)).toEqual(days);
  });
});

it.each<[Draft, string]>([
  [draft("", "2026-02-24"), "incomplete"],
  [draft("2026-02-24", ""), "incomplete"],
  [draft("2026-02-24", "2026-02-23"), "reversed"],
  [draft("2026-02-24", "2026-02-24", "12:00", "12:00"), "reversed"],
  [draft("2026-02-26", "2026-02-27"), "future"],
])("%o is %s", (chosen, trouble) => {
  expect(periodOf(chosen, BERLIN, NOW)).toBe(trouble);
});

it.each([
  [draft("2026-02-24", "2026-02-24"), 1],
  [draft("2026-01-01", "2026-03-31"), 90],
  [draft("2026-02-24", "2026-02-23"), null],
  [draft("", ""), null],
])("%o has %o days", (chosen, days) => {
  expect(daysIn(chosen)).toBe(days);
});
