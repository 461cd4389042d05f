// How a KPI changed, whether that is good, and whether there was anything at all.

import { describe, expect, it } from "vitest";
import type { Kpi } from "../api/answers";
import { bucket } from "../testing/answers";
import { changeOf, eventsIn, isWithoutData } from "./kpi";

const ORDERS = { base: { numerator: "orders_created", denominator: null, noun: "orders" } };
const PAYMENTS = {
  base: { numerator: "payments_successful", denominator: "payments_total", noun: "payments" },
};

/** So many that a change of a rate or a mean isn't noise. */
const EVENTS = 1_000;

type Compared = Parameters<typeof changeOf>[0];

/** The change of a count for which more is better, as the API would tell it. */
function counted(before: number, now: number, part: Partial<Compared> = {}): Compared {
  return {
    unit: "count",
    better: "up",
    trend: "flat",
    previousValue: before,
    comparedValue: now,
    deltaPercent: before === 0 ? (now === 0 ? 0 : null) : Math.round((now / before - 1) * 1_000) / 10,
    ...part,
  };
}

describe("a change", () => {
  it("is in per cent", () => {
    const change = { before: 1_150, now: 1_335, percent: 16.1 };
    expect(changeOf(counted(1_150, 1_335), false, EVENTS)).toEqual({
      kind: "percent",
      tone: "good",
      ...change,
    });
  });

  it("of a rate is in percentage points", () => {
    const rate = counted(91.6, 84.1, { unit: "percent", deltaPoints: -7.5 });
    const change = { before: 91.6, now: 84.1, points: -7.5 };
    expect(changeOf(rate, false, EVENTS)).toEqual({ kind: "points", tone: "bad", ...change });
    const first = counted(0, 3.2, { unit: "percent", deltaPoints: 3.2, better: "down" });
    expect(changeOf(first, false, EVENTS)).toMatchObject({ kind: "points", tone: "bad", points: 3.2 });
  });

  it.each([
    ["to ten times as much", 12, 120, "percent"],
    ["to more than ten times as much", 12, 121, "tenfold"],
    ["from nothing", 0, 5, "new"],
    ["from nothing to nothing", 0, 0, "same"],
    ["to the same", 7, 7, "same"],
    ["of less than a decimal", 100_000, 100_001, "same"],
    ["to nothing", 7, 0, "percent"],
  ])("%s", (_, before, now, kind) => {
    expect(changeOf(counted(before, now), false, EVENTS)).toMatchObject({ kind, before, now });
  });

  it("isn't there without a comparison, and is new after nothing", () => {
    expect(changeOf(counted(1, 1, { comparedValue: null, previousValue: null }), false, EVENTS)).toEqual({
      kind: "none",
    });
    const rate = counted(0, 92, { unit: "percent", deltaPoints: 92 });
    expect(changeOf(rate, true, EVENTS)).toEqual({ kind: "new", before: 0, now: 92 });
  });

  it.each<[Kpi["better"], number, number, string]>([
    ["up", 100, 200, "good"],
    ["up", 200, 100, "bad"],
    ["down", 100, 200, "bad"],
    ["down", 200, 100, "good"],
  ])("if %s is better, from %d to %d is %s", (better, before, now, tone) => {
    expect(changeOf(counted(before, now, { better }), false, EVENTS)).toMatchObject({ tone });
  });

  it("from an interval that records don't cover is neither good nor bad", () => {
    const tenfold = { kind: "percent", percent: 900 };
    expect(changeOf(counted(3, 30), false, EVENTS, true)).toMatchObject({ ...tenfold, tone: "good" });
    expect(changeOf(counted(3, 30), false, EVENTS, false)).toMatchObject({ ...tenfold, tone: "neutral" });
    const rate = counted(91.6, 84.1, { unit: "percent", deltaPoints: -7.5 });
    expect(changeOf(rate, false, EVENTS, false)).toMatchObject({ kind: "points", tone: "neutral" });
  });
});

describe("what is noise", () => {
  const rate = (points: number) => counted(95, 95 + points, { unit: "percent", deltaPoints: points });
  const time = (before: number, now: number) => counted(before, now, { unit: "ms", better: "down" });
  it.each<[string, Compared, number, string]>([
    ["a count that changed by 1 %", counted(10_000, 9_900), 0, "neutral"],
    ["a count that changed by 2 %", counted(10_000, 9_800), 0, "bad"],
    ["a count that changed by 9", counted(20, 29), 0, "neutral"],
    ["a count that changed by 10", counted(20, 30), 0, "good"],
    ["a rate that changed by 0.4 points", rate(0.4), 100_000, "neutral"],
    ["a rate that changed by 0.5 points", rate(0.5), 100_000, "good"],
    ["a rate that changed for 9 events", rate(-1), 900, "neutral"],
    ["a rate that changed for 10 events", rate(-1), 1_000, "bad"],
    ["a time that changed by 1 %", time(1_000, 1_010), 500, "neutral"],
    ["a time of 9 events", time(1_000, 2_000), 9, "neutral"],
    ["a time of 10 events", time(1_000, 2_000), 10, "bad"],
  ])("%s", (_, kpi, events, tone) => {
    expect(changeOf(kpi, false, events)).toMatchObject({ tone });
  });
});

it("has no data where there is none of what it is a rate of", () => {
  const series = [bucket(0, 5, 0), bucket(1, 5, 0)];
  expect(isWithoutData(PAYMENTS, series)).toBe(true);
  expect(isWithoutData(PAYMENTS, [...series, bucket(2, 0, 1)])).toBe(false);
  // A count of 0 is a number.
  expect(isWithoutData(ORDERS, [bucket(0, 0, 0)])).toBe(false);
  expect(isWithoutData(PAYMENTS, [])).toBe(false);
});

it("counts what it is a rate of", () => {
  expect(eventsIn(PAYMENTS, [bucket(0, 5, 3), bucket(1, 5, 4)])).toBe(7);
  expect(eventsIn(ORDERS, [bucket(0, 5, 3)])).toBe(0);
});
