// Whether a change is good, and what a rate is a rate of.

import { expect, it } from "vitest";
import { bucket } from "../testing/answers";
import { historyOf, judgementOf, missingBasis } from "./kpi";

const ORDERS = {
  key: "orders_created",
  base: { numerator: "orders_created", denominator: null, noun: "orders" },
} as const;
const PAYMENTS = {
  key: "payment_success_rate",
  base: { numerator: "payments_successful", denominator: "payments_total", noun: "payments" },
} as const;

it.each([
  ["up", "up", "good", "better"],
  ["up", "down", "bad", "worse"],
  ["down", "up", "bad", "worse"],
  ["down", "down", "good", "better"],
  ["up", "flat", "neutral", "no change"],
  ["up", "new", "neutral", "new"],
  [undefined, "up", "neutral", "up"],
] as const)("if %s is better, %s is %s", (better, trend, tone, word) => {
  expect(judgementOf({ trend, better })).toEqual({ tone, word });
});

it("says what a rate of nothing lacks", () => {
  const series = [bucket(0, 5, 0), bucket(1, 5, 0)];
  expect(missingBasis(PAYMENTS, series)).toBe("payments");
  expect(missingBasis(PAYMENTS, [...series, bucket(2, 0, 1)])).toBeNull();
  expect(missingBasis(ORDERS, [bucket(0, 0, 0)])).toBeNull();
  expect(missingBasis(PAYMENTS, [])).toBeNull();
  expect(missingBasis({}, series)).toBeNull();
});

it("leaves out of a course what says nothing: open buckets, and rates of nothing", () => {
  const series = [bucket(0, 5, 0), bucket(1, 6, 2), bucket(2, 7, 2, true)];
  expect(historyOf(ORDERS, series)).toEqual([5, 6]);
  expect(historyOf(PAYMENTS, series)).toEqual([100]);
  expect(historyOf({ key: "something_new" }, series)).toEqual([]);
});

it("thins a long course by means of neighbours", () => {
  const series = Array.from({ length: 180 }, (_, index) => bucket(index, index, 0));
  const history = historyOf(ORDERS, series);
  expect(history).toHaveLength(60);
  expect(history[0]).toBe(1);
  expect(history[59]).toBe(178);
});
