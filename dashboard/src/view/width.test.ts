// How wide the buckets of a chosen period are.

import { expect, it } from "vitest";
import type { Granularity } from "../api/answers";
import { loadTemporal } from "./temporal";
import { allows, widthFor } from "./width";

await loadTemporal();

const UNTIL_HALF_PAST = { from: "2026-11-23T00:00:00.000Z", to: "2026-11-30T23:30:00.000Z" };
const WEEK = { from: "2026-11-23T00:00:00.000Z", to: "2026-11-30T00:00:00.000Z" };
const EVENING = { from: "2026-11-30T18:00:00.000Z", to: "2026-11-30T23:30:00.000Z" };
const TWO_MONTHS = { from: "2026-10-01T00:00:00.000Z", to: "2026-11-30T23:30:00.000Z" };

it.each<[string, typeof WEEK, string, Granularity | null, Granularity | null]>([
  ["an end within a day needs hours", UNTIL_HALF_PAST, "UTC", null, "hour"],
  ["even if days were chosen", UNTIL_HALF_PAST, "UTC", "day", "hour"],
  ["midnight elsewhere is within a day", WEEK, "Asia/Kolkata", null, "hour"],
  ["few hours are hours anyway", EVENING, "UTC", null, null],
  ["hours can't be had of two months", TWO_MONTHS, "UTC", "hour", null],
  ["whole days are the API's choice", WEEK, "UTC", null, null],
  ["chosen hours stay", WEEK, "UTC", "hour", "hour"],
  ["chosen days stay", WEEK, "UTC", "day", "day"],
])("%s", (_, period, zone, chosen, width) => {
  expect(widthFor(period, zone, chosen)).toBe(width);
});

it("allows the hours of 31 days, although clocks are put back among them", () => {
  const october = { from: "2026-09-30T22:00:00.000Z", to: "2026-10-31T23:00:00.000Z" };
  expect(allows("hour", october)).toBe(true);
  expect(allows("hour", TWO_MONTHS)).toBe(false);
});
