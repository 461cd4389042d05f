// What a card's small chart shows.

import { expect, it } from "vitest";
import { bucket } from "../testing/answers";
import { ORDERS, PAYMENTS } from "../testing/measures";
import { sparklineOf } from "./chartOfSparkline";

it("shows counts as bars, the open one too", () => {
  expect(sparklineOf(ORDERS, [bucket(0, 5, 0), bucket(1, 0, 0), bucket(2, 2, 0, true)])).toEqual({
    drawing: "bars",
    values: [5, 0, 2],
    open: true,
  });
});

it("shows rates as a line with gaps, without the open bucket", () => {
  expect(
    sparklineOf(PAYMENTS, [bucket(0, 0, 9), bucket(1, 0, 0), bucket(2, 0, 3), bucket(3, 0, 1, true)]),
  ).toEqual({
    drawing: "line",
    values: [100, null, 100],
    open: false,
  });
});

it("shows the open bucket of a rate if there is no other", () => {
  expect(sparklineOf(PAYMENTS, [bucket(0, 0, 9, true)])).toEqual({
    drawing: "line",
    values: [100],
    open: true,
  });
});

it("shows nothing of nothing", () => {
  expect(sparklineOf(ORDERS, [])).toEqual({ drawing: "bars", values: [], open: false });
});

it("puts many buckets together, each by its share", () => {
  const days = (count: number) => Array.from({ length: count }, (_, index) => bucket(index, 10, index % 2));
  const orders = sparklineOf(ORDERS, days(97));
  expect(orders.values.length).toBeLessThanOrEqual(48);
  // The last group is smaller than the others, but not lower.
  expect(new Set(orders.values)).toEqual(new Set([10]));
  expect(new Set(sparklineOf(PAYMENTS, days(96)).values)).toEqual(new Set([100]));
});
