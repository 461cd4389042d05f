// Names of zones, and their clocks at and around the changes of summer time.

import { describe, expect, it } from "vitest";
import { loadTemporal } from "./temporal";
import {
  dayStart,
  instantOf,
  isDayStart,
  nameOfOffset,
  offsetName,
  placeOf,
  wallOf,
  zoneNamed,
} from "./zone";

await loadTemporal();

const at = (text: string) => new Date(text);

describe("zoneNamed", () => {
  it.each([
    ["Europe/Berlin", "Europe/Berlin"],
    ["europe/berlin", "Europe/Berlin"],
    ["AMERICA/NEW_YORK", "America/New_York"],
    ["utc", "UTC"],
    ["Etc/UTC", "UTC"],
    ["Zulu", "UTC"],
    ["Asia/Calcutta", "Asia/Kolkata"],
    ["Europe/Kiev", "Europe/Kyiv"],
    ["Etc/GMT+5", "Etc/GMT+5"],
  ])("%s is %s", (name, zone) => {
    expect(zoneNamed(name)).toBe(zone);
  });

  it.each([
    "",
    "C",
    "Foo/Bar",
    "Etc/Unknown",
    "+03:00",
    "-0530",
    "2026-02-25T00:00[Europe/Berlin]",
    "Europe/Berlin ",
    "Europe/Atlantis",
    "undefined",
  ])("%s is none", (name) => {
    expect(zoneNamed(name)).toBeNull();
  });
});

it.each([
  ["Europe/Berlin", "Berlin"],
  ["America/New_York", "New York"],
  ["America/Argentina/Buenos_Aires", "Buenos Aires"],
  ["America/Indiana/Knox", "Knox, Indiana"],
  ["UTC", "UTC"],
  ["Etc/GMT+5", "UTC−5"],
  ["Etc/GMT-14", "UTC+14"],
  ["Etc/GMT+0", "UTC"],
  ["CET", "CET"],
  ["US/Pacific", "US Pacific"],
])("people call %s %s", (zone, place) => {
  expect(placeOf(zone)).toBe(place);
});

describe("instantOf", () => {
  it.each([
    ["UTC", "2026-02-25T10:00", "2026-02-25T10:00:00.000Z"],
    ["Europe/Berlin", "2026-02-25T10:00", "2026-02-25T09:00:00.000Z"],
    ["Europe/Berlin", "2026-07-01T00:00", "2026-06-30T22:00:00.000Z"],
    ["Asia/Kolkata", "2026-02-25T00:00", "2026-02-24T18:30:00.000Z"],
    ["America/New_York", "2026-11-01T12:00", "2026-11-01T17:00:00.000Z"],
    ["Pacific/Auckland", "2026-02-25T00:00", "2026-02-24T11:00:00.000Z"],
    // Skipped in spring: what it would have been without the change.
    ["Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30:00.000Z"],
    // Twice in autumn: the first.
    ["Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"],
    ["Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00.000Z"],
    ["Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00.000Z"],
  ])("%s %s", (zone, wall, instant) => {
    expect(instantOf(zone, wall)?.toISOString()).toBe(instant);
  });

  it("is the inverse of wallOf wherever clocks don't change", () => {
    for (const [index, name] of Intl.supportedValuesOf("timeZone").entries()) {
      const zone = zoneNamed(name) ?? "UTC";
      const instant = new Date(Date.UTC(2026, 4, 20, index % 24, (7 * index) % 60));
      expect(instantOf(zone, wallOf(zone, instant)), zone).toEqual(instant);
    }
  });

  it.each(["", "2026-13-01T00:00", "2026-02-30T00:00", "2026-02-25", "2026-02-25T10:00Z"])(
    "refuses %s, which is no wall time",
    (wall) => {
      expect(instantOf("UTC", wall)).toBeNull();
    },
  );
});

describe("dayStart", () => {
  it.each([
    ["UTC", "2026-02-25T10:00:00Z", 0, "2026-02-25T00:00:00.000Z"],
    ["Europe/Berlin", "2026-02-24T23:30:00Z", 0, "2026-02-24T23:00:00.000Z"],
    ["Europe/Berlin", "2026-03-30T10:00:00Z", -1, "2026-03-28T23:00:00.000Z"],
    ["America/New_York", "2026-03-01T03:00:00Z", -1, "2026-02-27T05:00:00.000Z"],
    ["Africa/Cairo", "2026-04-24T12:00:00Z", 0, "2026-04-23T22:00:00.000Z"],
    ["Australia/Lord_Howe", "2026-04-05T12:00:00Z", 1, "2026-04-05T13:30:00.000Z"],
  ])("%s %s %i", (zone, now, days, start) => {
    expect(dayStart(zone, at(now), days).toISOString()).toBe(start);
    expect(isDayStart(zone, at(start))).toBe(true);
    expect(isDayStart(zone, new Date(at(start).getTime() + 1))).toBe(false);
  });
});

it.each([
  ["Europe/Berlin", "2026-02-25T10:00:00Z", "UTC+1"],
  ["Europe/Berlin", "2026-07-25T10:00:00Z", "UTC+2"],
  ["Asia/Kolkata", "2026-02-25T10:00:00Z", "UTC+5:30"],
  ["America/St_Johns", "2026-02-25T10:00:00Z", "UTC−3:30"],
  ["UTC", "2026-02-25T10:00:00Z", "UTC"],
])("%s at %s is %s", (zone, instant, name) => {
  expect(offsetName(zone, at(instant))).toBe(name);
});

it("writes minutes of offsets with two digits", () => {
  expect(nameOfOffset(65)).toBe("UTC+1:05");
});
