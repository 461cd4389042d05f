// The chart's points, and the labels of its axis.

import { describe, expect, it } from "vitest";
import { bucket, summary, trends } from "../testing/answers";
import { metricOf } from "./chartOfMetric";
import { isEmpty, labelled, trendPoints } from "./trendPoints";
import { wallOf } from "./zone";

const kpi = (key: string) => {
  const found = summary().kpis.find((one) => one.key === key);
  if (found === undefined) throw new Error(`no KPI ${key}`);
  return metricOf(found, bucket(0, 0, 0));
};
const ORDERS = kpi("orders_created");
const PAYMENTS = kpi("payment_success_rate");

it("lays the period before under the same places", () => {
  const points = trendPoints(trends(), ORDERS);
  expect(points.map(({ value, before }) => [value, before?.value ?? null])).toEqual([
    [500, 450],
    [700, 600],
    [142, null],
  ]);
  expect(points.map((point) => point.open)).toEqual([false, false, true]);
});

it("knows when each bucket ends, and each one before", () => {
  const points = trendPoints(trends(), ORDERS);
  expect(points.map(({ from, to }) => `${from.slice(11, 16)}–${to.slice(11, 16)}`)).toEqual([
    "00:00–01:00",
    "01:00–02:00",
    "02:00–03:00",
  ]);
  expect(points.map(({ before }) => before?.to.slice(11, 16))).toEqual(["22:00", "00:00", undefined]);
});

it("compares an open bucket with as much as has passed of it", () => {
  const answer = trends();
  const previous = { from: "2026-02-24T21:30:00.000Z", to: "2026-02-25T00:00:00.000Z" };
  const previousSeries = ["21:30", "22:30", "23:30"].map((time, index) => ({
    ...bucket(0, 100 - index, 0),
    bucket: `2026-02-24T${time}:00.000Z`,
  }));
  const points = trendPoints(
    { ...answer, previousSeries, comparison: answer.comparison && { ...answer.comparison, previous } },
    ORDERS,
  );
  expect(points.at(-1)).toMatchObject({
    open: true,
    before: { from: "2026-02-24T23:30:00.000Z", to: previous.to, value: 98 },
  });
});

it("does without a period before", () => {
  const answer = { ...trends(), comparison: null, previousSeries: undefined };
  expect(trendPoints(answer, ORDERS).every((point) => point.before === null)).toBe(true);
});

describe("there is nothing to draw", () => {
  const empty = (orders: number, payments: number, before: number) =>
    (["orders", "payments"] as const).map((what) => {
      const metric = what === "orders" ? ORDERS : PAYMENTS;
      const answer = trends({
        series: [bucket(0, orders, payments)],
        previousSeries: [bucket(-1, before, before)],
      });
      return isEmpty(trendPoints(answer, metric), metric);
    });

  it("if nothing was counted, now and before", () => {
    expect(empty(0, 0, 0)).toEqual([true, true]);
    expect(empty(1, 0, 0)).toEqual([false, true]);
    expect(empty(0, 1, 0)).toEqual([true, false]);
    expect(empty(0, 0, 1)).toEqual([false, false]);
  });

  it("but a rate of 0 is one", () => {
    const failed = { ...bucket(0, 0, 9), payment_success_rate: 0, payments_successful: 0 };
    const answer = trends({ series: [failed] });
    expect(isEmpty(trendPoints({ ...answer, previousSeries: [] }, PAYMENTS), PAYMENTS)).toBe(false);
  });
});

describe("labels", () => {
  const hours = (count: number) =>
    Array.from({ length: count }, (_, hour) => ({
      from: new Date(Date.UTC(2026, 1, 25, hour)).toISOString(),
    }));
  const days = (count: number) =>
    Array.from({ length: count }, (_, day) => ({
      from: new Date(Date.UTC(2026, 0, 20 + day)).toISOString(),
    }));

  it("stand at round hours of the zone", () => {
    expect(labelled(hours(25), "hour", "UTC", 9)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
    expect(labelled(hours(25), "hour", "Europe/Berlin", 9)).toEqual([2, 5, 8, 11, 14, 17, 20, 23]);
  });

  it("stand at round hours on both sides of a change of clocks", () => {
    const spring = Array.from({ length: 48 }, (_, hour) => ({
      from: new Date(Date.UTC(2026, 2, 28, 12 + hour)).toISOString(),
    }));
    const wall = labelled(spring, "hour", "Europe/Berlin", 5).map((index) =>
      wallOf("Europe/Berlin", new Date(spring[index]?.from ?? 0)),
    );
    expect(wall).toEqual(["2026-03-29T00:00", "2026-03-29T12:00", "2026-03-30T00:00", "2026-03-30T12:00"]);
  });

  it("stand at whole days where hours are many", () => {
    expect(labelled(hours(72), "hour", "UTC", 3)).toEqual([0, 24, 48]);
  });

  it("count days back from the last", () => {
    expect(labelled(days(10), "day", "UTC", 5)).toEqual([1, 3, 5, 7, 9]);
  });

  it("stand at firsts of months where days are many", () => {
    const firsts = labelled(days(120), "day", "UTC", 6).map((index) => days(120)[index]?.from.slice(0, 10));
    expect(firsts).toEqual(["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"]);
    expect(labelled(days(3_000), "day", "UTC", 9).length).toBeGreaterThan(3);
  });

  it("are never more than fit, and never none", () => {
    for (const most of [2, 3, 5, 8]) {
      for (const count of [1, 2, 5, 24, 100, 800, 2_160]) {
        for (const places of [
          labelled(hours(count), "hour", "Asia/Kathmandu", most),
          labelled(days(count), "day", "UTC", most),
        ]) {
          expect(places.length, `${count} in ${most}`).toBeLessThanOrEqual(most);
          expect(places.length, `${count} in ${most}`).toBeGreaterThan(0);
        }
      }
    }
  });
});
