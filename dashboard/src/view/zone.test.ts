// Wall clocks, at and around the changes of summer time.

import { describe, expect, it } from "vitest";
import { allZones, dayStart, instantOf, isZone, offsetName, wallOf } from "./zone";

const at = (text: string) => new Date(text);

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
  ])("%s %s", (zone, wall, instant) => {
    expect(instantOf(zone, wall)?.toISOString()).toBe(instant);
  });

  it("is the inverse of wallOf wherever clocks don't change", () => {
    const zones = allZones();
    for (let index = 0; index < zones.length; index += 1) {
      const zone = zones[index] ?? "UTC";
      const instant = new Date(Date.UTC(2026, 4, 20, index % 24, (7 * index) % 60));
      expect(instantOf(zone, wallOf(zone, instant)), zone).toEqual(instant);
    }
  });

  it("refuses what is no wall time", () => {
    expect(instantOf("UTC", "")).toBeNull();
    expect(instantOf("UTC", "2026-13-01T00:00")).toBeNull();
  });
});

describe("dayStart", () => {
  it.each([
    ["UTC", "2026-02-25T10:00:00Z", 0, "2026-02-25T00:00:00.000Z"],
    ["Europe/Berlin", "2026-02-24T23:30:00Z", 0, "2026-02-24T23:00:00.000Z"],
    ["Europe/Berlin", "2026-03-30T10:00:00Z", -1, "2026-03-28T23:00:00.000Z"],
    ["America/New_York", "2026-03-01T03:00:00Z", -1, "2026-02-27T05:00:00.000Z"],
  ])("%s %s %i", (zone, now, days, start) => {
    expect(dayStart(zone, at(now), days).toISOString()).toBe(start);
  });
});

it("names offsets as people write them", () => {
  expect(offsetName("Europe/Berlin", at("2026-02-25T10:00:00Z"))).toBe("UTC+1");
  expect(offsetName("Asia/Kolkata", at("2026-02-25T10:00:00Z"))).toBe("UTC+5:30");
  expect(offsetName("UTC", at("2026-02-25T10:00:00Z"))).toBe("UTC");
});

it("knows zones from other words", () => {
  expect(isZone("Europe/Berlin")).toBe(true);
  expect(isZone("Europe/Atlantis")).toBe(false);
});
