// Choosing buckets.

import { expect, it } from "vitest";
import { bucket, trends } from "../testing/answers";
import { metricOf } from "./chartOfMetric";
import { endsOf, selectedInterval, measuredIn, movedBy } from "./chartOfSelection";
import { trendPoints } from "./trendPoints";

const METRIC = metricOf(
  {
    key: "orders_created",
    unit: "count",
    decimals: 0,
    better: "up",
    base: { numerator: "orders_created", denominator: null, noun: "orders" },
  },
  bucket(0, 1, 1),
);
const POINTS = trendPoints(trends(), METRIC);

it("is the same in both directions", () => {
  expect(endsOf({ anchor: 2, head: 0 })).toEqual([0, 2]);
  for (const selection of [
    { anchor: 0, head: 1 },
    { anchor: 1, head: 0 },
  ]) {
    expect(selectedInterval(POINTS, selection)).toEqual({
      from: "2026-02-25T00:00:00.000Z",
      to: "2026-02-25T02:00:00.000Z",
    });
    expect(measuredIn(POINTS, selection, METRIC).value).toBe(1_200);
  }
});

it("may be one bucket", () => {
  expect(selectedInterval(POINTS, { anchor: 2, head: 2 })).toEqual({
    from: "2026-02-25T02:00:00.000Z",
    to: "2026-02-25T03:00:00.000Z",
  });
});

it("is nothing where there are no buckets", () => {
  expect(selectedInterval(POINTS, { anchor: 1, head: 3 })).toBeNull();
  expect(selectedInterval([], { anchor: 0, head: 0 })).toBeNull();
});

it.each([
  ["ArrowLeft", 5, 4],
  ["ArrowLeft", 0, 0],
  ["ArrowRight", 5, 6],
  ["ArrowRight", 9, 9],
  ["PageDown", 5, 0],
  ["PageUp", 1, 8],
  ["Home", 5, 0],
  ["End", 5, 9],
  ["Enter", 5, null],
  ["toString", 5, null],
])("%s moves from %d to %s", (key, from, to) => {
  expect(movedBy(key, from, 9)).toBe(to);
});
