// Whether a change is good, and what a rate is a rate of.

import { expect, it } from "vitest";
import { bucket } from "../testing/answers";
import { historyOf, judgementOf, missingBasis } from "./kpi";

it.each([
  ["orders_created", "up", "good", "better"],
  ["orders_created", "down", "bad", "worse"],
  ["workflow_failure_rate", "up", "bad", "worse"],
  ["avg_execution_time_ms", "down", "good", "better"],
  ["orders_created", "flat", "neutral", "no change"],
  ["something_new", "up", "neutral", "up"],
] as const)("%s %s is %s", (key, trend, tone, word) => {
  expect(judgementOf({ key, trend })).toEqual({ tone, word });
});

it("says what a rate of nothing lacks", () => {
  const series = [bucket(0, 5, 0), bucket(1, 5, 0)];
  expect(missingBasis("payment_success_rate", series)).toBe("payments");
  expect(missingBasis("payment_success_rate", [...series, bucket(2, 0, 1)])).toBeNull();
  expect(missingBasis("orders_created", [bucket(0, 0, 0)])).toBeNull();
  expect(missingBasis("payment_success_rate", [])).toBeNull();
});

it("leaves out of a course what says nothing: open buckets, and rates of nothing", () => {
  const series = [bucket(0, 5, 0), bucket(1, 6, 2), bucket(2, 7, 2, true)];
  expect(historyOf("orders_created", series)).toEqual([5, 6]);
  expect(historyOf("payment_success_rate", series)).toEqual([100]);
  expect(historyOf("something_new", series)).toEqual([]);
});

it("thins a long course by means of neighbours", () => {
  const series = Array.from({ length: 180 }, (_, index) => bucket(index, index, 0));
  const history = historyOf("orders_created", series);
  expect(history).toHaveLength(60);
  expect(history[0]).toBe(1);
  expect(history[59]).toBe(178);
});
