// The address and the view it names.

import { describe, expect, it } from "vitest";
import { boundsOf, type Period } from "./period";
import { comparingParametersOf, parametersOf, readView, type View, writeView } from "./view";

const LOCAL = "Europe/Berlin";
const NOW = new Date("2026-02-25T10:30:00Z");
const DEFAULT: View = {
  period: { preset: "24h" },
  zone: LOCAL,
  granularity: null,
  compare: "previous_period",
};

describe("an address", () => {
  it.each<[string, Partial<View>]>([
    ["", {}],
    ["?range=7d", { period: { preset: "7d" } }],
    [
      "?range=7d&granularity=hour&compare=previous_week",
      { period: { preset: "7d" }, granularity: "hour", compare: "previous_week" },
    ],
    ["?timezone=America/New_York", { zone: "America/New_York" }],
    [
      "?from=2026-02-25T00:00:00.000Z&to=2026-02-25T10:00:00.000Z",
      { period: { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T10:00:00.000Z" } },
    ],
  ])("%s is read and written", (search, part) => {
    const view = { ...DEFAULT, ...part };
    expect(readView(search, LOCAL)).toEqual(view);
    expect(writeView(view, LOCAL)).toBe(search);
  });

  it.each<[string, Partial<View>]>([
    ["?range=eternity&granularity=minute&compare=all&timezone=Mars", {}],
    ["?from=yesterday&to=today", {}],
    ["?from=2026-02-25T00:00:00Z", {}],
    [
      "?from=2026-02-25T11:00:00%2B01:00&to=2026-02-25",
      { period: { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T10:00:00.000Z" } },
    ],
  ])("%s is read as what can be understood of it", (search, part) => {
    expect(readView(search, LOCAL)).toEqual({ ...DEFAULT, ...part });
  });
});

it.each<[Period, object]>([
  [{ preset: "24h" }, {}],
  [{ preset: "today" }, { from: "2026-02-24T23:00:00.000Z" }],
  [{ preset: "yesterday" }, { from: "2026-02-23T23:00:00.000Z", to: "2026-02-24T23:00:00.000Z" }],
  [{ preset: "7d" }, { from: "2026-02-18T23:00:00.000Z" }],
  [{ preset: "30d" }, { from: "2026-01-26T23:00:00.000Z" }],
  [{ preset: "90d" }, { from: "2025-11-27T23:00:00.000Z" }],
])("%o has bounds in the zone's days", (period, bounds) => {
  expect(boundsOf(period, LOCAL, NOW)).toEqual(bounds);
});

it("asks only for what isn't the API's default", () => {
  const utc = { ...DEFAULT, zone: "UTC" };
  const said = (parameters: object) => JSON.parse(JSON.stringify(parameters)) as object;
  expect(said(comparingParametersOf(utc, NOW))).toEqual({});
  expect(said(parametersOf(DEFAULT, NOW))).toEqual({ timezone: LOCAL });
  expect(said(comparingParametersOf({ ...utc, compare: "none" }, NOW))).toEqual({ compare: "none" });
});
