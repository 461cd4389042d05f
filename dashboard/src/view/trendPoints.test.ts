// The chart's points, and the labels of its axis.

import { describe, expect, it } from "vitest";
import { bucket, trends } from "../testing/answers";
import { isFlat, labelled, trendPoints } from "./trendPoints";

it("lays the period before under the same places", () => {
  const points = trendPoints(trends());
  expect(points.map(({ orders, before }) => [orders, before?.orders ?? null])).toEqual([
    [500, 450],
    [700, 600],
    [142, null],
  ]);
  expect(points.map((point) => point.open)).toEqual([false, false, true]);
});

it("does without a period before", () => {
  const { series } = trends();
  expect(trendPoints({ series }).every((point) => point.before === null)).toBe(true);
  expect(isFlat(trendPoints({ series: [bucket(0, 0, 0)] }))).toBe(true);
  expect(isFlat(trendPoints({ series }))).toBe(false);
});

describe("labels", () => {
  const hours = (count: number) =>
    trendPoints({ series: Array.from({ length: count }, (_, hour) => bucket(hour, 1, 1)) });

  it("stand at round hours of the zone", () => {
    expect(labelled(hours(25), "hour", "UTC", 9)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24]);
    expect(labelled(hours(25), "hour", "Europe/Berlin", 9)).toEqual([2, 5, 8, 11, 14, 17, 20, 23]);
  });

  it("stand at whole days where hours are many", () => {
    expect(labelled(hours(72), "hour", "UTC", 3)).toEqual([0, 24, 48]);
  });

  it("count days back from the last", () => {
    expect(labelled(hours(10), "day", "UTC", 5)).toEqual([1, 3, 5, 7, 9]);
  });

  it("are never more than fit", () => {
    for (const most of [2, 3, 5, 8]) {
      for (const count of [1, 2, 24, 100, 800, 2_160]) {
        expect(labelled(hours(count), "hour", "UTC", most).length).toBeLessThanOrEqual(most);
        expect(labelled(hours(Math.min(count, 90)), "day", "UTC", most).length).toBeLessThanOrEqual(most);
      }
    }
  });
});
