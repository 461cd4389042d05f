// The bounds of each preset, and the periods beside a period: on ordinary days, where clocks change, in leap years.

import { describe, expect, it } from "vitest";
import {
  boundsOf,
  firstDayOf,
  inZone,
  intervalOf,
  isWholeDays,
  moved,
  type Period,
  type Preset,
} from "./period";
import { loadTemporal } from "./temporal";

await loadTemporal();

const BERLIN = "Europe/Berlin";
const MONDAY = 1;
const SUNDAY = 7;
/** A Wednesday. */
const NOW = new Date("2026-02-25T10:30:00Z");

const fixed = (from: string, to: string): Period => ({ from, to });
const preset = (name: Preset): Period => ({ preset: name });
const at = (text: string) => new Date(text);

describe("a preset's bounds", () => {
  it.each<[Preset, { from?: string; to?: string }]>([
    ["today", { from: "2026-02-24T23:00:00.000Z" }],
    ["yesterday", { from: "2026-02-23T23:00:00.000Z", to: "2026-02-24T23:00:00.000Z" }],
    ["24h", { from: "2026-02-24T11:00:00.000Z" }],
    ["week", { from: "2026-02-22T23:00:00.000Z" }],
    ["last-week", { from: "2026-02-15T23:00:00.000Z", to: "2026-02-22T23:00:00.000Z" }],
    ["7d", { from: "2026-02-18T23:00:00.000Z" }],
    ["30d", { from: "2026-01-26T23:00:00.000Z" }],
    ["month", { from: "2026-01-31T23:00:00.000Z" }],
    ["last-month", { from: "2025-12-31T23:00:00.000Z", to: "2026-01-31T23:00:00.000Z" }],
    ["quarter", { from: "2025-12-31T23:00:00.000Z" }],
    ["last-quarter", { from: "2025-09-30T22:00:00.000Z", to: "2025-12-31T23:00:00.000Z" }],
    ["90d", { from: "2025-11-27T23:00:00.000Z" }],
  ])("%s in Berlin", (name, bounds) => {
    expect(boundsOf({ preset: name }, BERLIN, NOW, MONDAY)).toEqual(bounds);
  });

  it.each<[string, Preset, string, string, number, string]>([
    ["a week that begins on Sunday", "week", "UTC", "2026-02-25T10:30:00Z", SUNDAY, "2026-02-22"],
    ["a week on its first day", "week", "UTC", "2026-02-23T00:00:00Z", MONDAY, "2026-02-23"],
    ["a week on its last day", "week", "UTC", "2026-03-01T23:59:59Z", MONDAY, "2026-02-23"],
    ["a quarter in its last month", "quarter", "UTC", "2026-09-30T12:00:00Z", MONDAY, "2026-07-01"],
    ["a quarter on its first day", "quarter", "UTC", "2026-10-01T00:00:00Z", MONDAY, "2026-10-01"],
    [
      "the quarter before a year's first",
      "last-quarter",
      "UTC",
      "2026-01-01T00:00:00Z",
      MONDAY,
      "2025-10-01",
    ],
    ["the month before January", "last-month", "UTC", "2026-01-31T12:00:00Z", MONDAY, "2025-12-01"],
    ["a leap year's February", "last-month", "UTC", "2028-03-31T12:00:00Z", MONDAY, "2028-02-01"],
  ])("%s", (_, name, zone, now, firstDay, first) => {
    expect(boundsOf({ preset: name }, zone, at(now), firstDay).from).toBe(`${first}T00:00:00.000Z`);
  });

  it.each<[string, string, string, string, string]>([
    // 23 and 25 hours.
    [
      "Berlin, the day clocks go forward",
      BERLIN,
      "2026-03-30T10:00:00Z",
      "2026-03-28T23:00",
      "2026-03-29T22:00",
    ],
    ["Berlin, the day they go back", BERLIN, "2026-10-26T10:00:00Z", "2026-10-24T22:00", "2026-10-25T23:00"],
    // Half an hour: 24.5 and 23.5 hours.
    [
      "Lord Howe in April",
      "Australia/Lord_Howe",
      "2026-04-06T02:00:00Z",
      "2026-04-04T13:00",
      "2026-04-05T13:30",
    ],
    [
      "Lord Howe in October",
      "Australia/Lord_Howe",
      "2026-10-05T02:00:00Z",
      "2026-10-03T13:30",
      "2026-10-04T13:00",
    ],
    // Clocks go forward at midnight: the day begins at one.
    [
      "Cairo, a day without a midnight",
      "Africa/Cairo",
      "2026-04-25T10:00:00Z",
      "2026-04-23T22:00",
      "2026-04-24T21:00",
    ],
    ["Kathmandu", "Asia/Kathmandu", "2026-02-25T10:00:00Z", "2026-02-23T18:15", "2026-02-24T18:15"],
    // It is already tomorrow there.
    ["Kiritimati", "Pacific/Kiritimati", "2026-02-25T10:30:00Z", "2026-02-24T10:00", "2026-02-25T10:00"],
  ])("yesterday in %s", (_, zone, now, from, to) => {
    const bounds = { from: `${from}:00.000Z`, to: `${to}:00.000Z` };
    expect(boundsOf({ preset: "yesterday" }, zone, at(now))).toEqual(bounds);
  });

  it("are never now, so that two moments of an hour have the same", () => {
    const later = at("2026-02-25T10:59:59.999Z");
    for (const name of ["today", "24h", "week", "7d", "30d", "month", "quarter", "90d"] as const)
      expect(boundsOf({ preset: name }, BERLIN, later, MONDAY)).toEqual(
        boundsOf(preset(name), BERLIN, NOW, MONDAY),
      );
  });

  it("count the open hour or day as one of theirs", () => {
    const HOUR_MS = 3_600_000;
    const now = new Date(NOW.getTime() + 1);
    for (const [zone, minute] of [
      ["UTC", 0],
      ["Asia/Kolkata", 30],
      ["Asia/Kathmandu", 15],
    ] as const) {
      const { from = "" } = boundsOf(preset("24h"), zone, now);
      expect(new Date(from).getUTCMinutes(), zone).toBe(minute);
      // Up to the end of the open hour.
      expect(Math.ceil((now.getTime() - Date.parse(from)) / HOUR_MS), zone).toBe(24);
    }
    for (const [name, days] of [
      ["7d", 7],
      ["30d", 30],
      ["90d", 90],
    ] as const) {
      const { from = "" } = boundsOf(preset(name), "UTC", NOW);
      expect(Math.ceil((NOW.getTime() - Date.parse(from)) / (24 * HOUR_MS)), name).toBe(days);
    }
  });

  it("of a fixed interval are its own", () => {
    const period = fixed("2026-01-01T00:00:00.000Z", "2026-01-02T12:34:00.000Z");
    expect(boundsOf(period, BERLIN, NOW)).toEqual(period);
  });
});

it("has two ends as an interval, the later of which may be now", () => {
  expect(intervalOf(preset("today"), "UTC", NOW)).toEqual({ from: at("2026-02-25T00:00:00Z"), to: NOW });
  expect(intervalOf(preset("24h"), "UTC", NOW)).toEqual({ from: at("2026-02-24T11:00:00Z"), to: NOW });
  expect(intervalOf(preset("yesterday"), "UTC", NOW).to).toEqual(at("2026-02-25T00:00:00Z"));
});

describe("the period beside", () => {
  const day = (from: string, to: string) => fixed(`${from}T00:00:00.000Z`, `${to}T00:00:00.000Z`);

  it.each<[string, Period, -1 | 1, Period | null]>([
    ["before today is yesterday", preset("today"), -1, preset("yesterday")],
    ["after yesterday is today", preset("yesterday"), 1, preset("today")],
    ["before yesterday is a day", preset("yesterday"), -1, day("2026-02-23", "2026-02-24")],
    ["after that day is yesterday", day("2026-02-23", "2026-02-24"), 1, preset("yesterday")],
    ["before this week is last week", preset("week"), -1, preset("last-week")],
    ["after last week is this week", preset("last-week"), 1, preset("week")],
    ["before this month is last month", preset("month"), -1, preset("last-month")],
    ["before last month is a month", preset("last-month"), -1, day("2025-12-01", "2026-01-01")],
    ["after last month is this month", preset("last-month"), 1, preset("month")],
    ["before this quarter is the last one", preset("quarter"), -1, preset("last-quarter")],
    ["before 7 days are 7 days", preset("7d"), -1, day("2026-02-12", "2026-02-19")],
    ["after those are the last 7 days", day("2026-02-12", "2026-02-19"), 1, preset("7d")],
    ["before 90 days are 90 days", preset("90d"), -1, day("2025-08-30", "2025-11-28")],
    [
      "before 24 hours is a day that ends where their first hour begins",
      preset("24h"),
      -1,
      fixed("2026-02-23T11:00:00.000Z", "2026-02-24T11:00:00.000Z"),
    ],
    [
      "after that day are the last 24 hours",
      fixed("2026-02-23T11:00:00.000Z", "2026-02-24T11:00:00.000Z"),
      1,
      preset("24h"),
    ],
    ["before a February is a January", day("2025-02-01", "2025-03-01"), -1, day("2025-01-01", "2025-02-01")],
    ["before a year is a year", day("2025-01-01", "2026-01-01"), -1, day("2024-01-01", "2025-01-01")],
    [
      "before three hours are three hours",
      fixed("2026-02-20T09:00:00.000Z", "2026-02-20T12:00:00.000Z"),
      -1,
      fixed("2026-02-20T06:00:00.000Z", "2026-02-20T09:00:00.000Z"),
    ],
    ["after today is nothing", preset("today"), 1, null],
    ["after the last 24 hours is nothing", preset("24h"), 1, null],
    ["after this quarter is nothing", preset("quarter"), 1, null],
    ["after an interval that goes on is nothing", day("2026-02-20", "2026-02-26"), 1, null],
  ])("%s", (_, period, by, expected) => {
    expect(moved(period, "UTC", NOW, by, MONDAY)).toEqual(expected);
  });

  it("stays a number of days on the day on which a week is the last 7 days", () => {
    const sunday = at("2026-03-01T12:00:00Z");
    expect(moved(day("2026-02-16", "2026-02-23"), "UTC", sunday, 1, MONDAY)).toEqual(preset("7d"));
    expect(moved(preset("last-week"), "UTC", sunday, 1, MONDAY)).toEqual(preset("week"));
  });

  it("is whole days where clocks change", () => {
    const sunday = fixed("2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z");
    const saturday = fixed("2026-03-27T23:00:00.000Z", "2026-03-28T23:00:00.000Z");
    const later = at("2026-06-01T00:00:00Z");
    expect(moved(sunday, BERLIN, later, -1)).toEqual(saturday);
    expect(moved(saturday, BERLIN, later, 1)).toEqual(sunday);
  });

  it("leads back, whatever the period", () => {
    const later = at("2026-12-31T12:00:00Z");
    for (let first = 1; first <= 28; first += 3)
      for (let length = 1; length <= 60; length += 7) {
        const from = new Date(Date.UTC(2026, 2, first));
        const to = new Date(Date.UTC(2026, 2, first + length));
        const period = inZone(fixed(from.toISOString(), to.toISOString()), "UTC", BERLIN);
        const before = moved(period, BERLIN, later, -1);
        expect(before).not.toBeNull();
        expect(moved(before ?? period, BERLIN, later, 1)).toEqual(period);
      }
  });
});

describe("in another zone", () => {
  it("whole days stay the same dates", () => {
    const february = fixed("2026-01-31T23:00:00.000Z", "2026-02-28T23:00:00.000Z");
    expect(isWholeDays(february, BERLIN)).toBe(true);
    expect(inZone(february, BERLIN, "Asia/Kolkata")).toEqual(
      fixed("2026-01-31T18:30:00.000Z", "2026-02-28T18:30:00.000Z"),
    );
  });

  it("hours stay the same instants, and a preset stays what it is", () => {
    const hours = fixed("2026-02-25T09:00:00.000Z", "2026-02-25T12:00:00.000Z");
    expect(inZone(hours, BERLIN, "UTC")).toEqual(hours);
    expect(inZone(preset("today"), BERLIN, "UTC")).toEqual(preset("today"));
  });
});

it.each([
  ["de-DE", MONDAY],
  ["en-GB", MONDAY],
  ["en-US", SUNDAY],
  ["C", MONDAY],
  ["", MONDAY],
])("a week in %s begins on day %i", (locale, day) => {
  expect(firstDayOf(locale)).toBe(day);
});
