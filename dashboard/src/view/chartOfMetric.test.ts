// What a KPI's unit and base decide, and how buckets add up.

import { describe, expect, it } from "vitest";
import { bucket, summary } from "../testing/answers";
import { ORDERS, PAYMENTS, TIME } from "../testing/measures";
import { measured, type Measured, metricOf, shownKpi, totalOf } from "./chartOfMetric";

const { kpis } = summary();
const BUCKET = bucket(0, 500, 400);

it("draws what adds up as bars, and what is made of two counters as a line", () => {
  const drawings = [ORDERS, PAYMENTS, TIME]
    .map((kpi) => metricOf(kpi, BUCKET))
    .map((metric) => metric.drawing);
  expect(drawings).toEqual(["bars", "line", "line"]);
});

it("draws a KPI that nobody has heard of by the same rule", () => {
  const unheard = { ...ORDERS, key: "refunds", base: { ...ORDERS.base, numerator: "refunds" } };
  expect(metricOf(unheard, { refunds: 3 })).toMatchObject({
    drawing: "bars",
    isShare: false,
    percentiles: [],
  });
});

it("names parts of a share only", () => {
  expect([ORDERS, PAYMENTS, TIME].map((kpi) => metricOf(kpi, BUCKET).isShare)).toEqual([false, true, false]);
});

it("finds the percentiles of a mean by their names", () => {
  expect(metricOf(TIME, BUCKET).percentiles).toEqual([
    { name: "p50_execution_time_ms", label: "p50" },
    { name: "p95_execution_time_ms", label: "p95" },
    { name: "p99_execution_time_ms", label: "p99" },
  ]);
  expect(metricOf(PAYMENTS, BUCKET).percentiles).toEqual([]);
  expect(metricOf(TIME, undefined).percentiles).toEqual([]);
});

it("knows no value where there is no base", () => {
  const rate = metricOf(PAYMENTS, BUCKET);
  expect(measured(bucket(0, 5, 0), rate)).toEqual({ value: null, part: 0, whole: 0, percentiles: [] });
  expect(measured(BUCKET, rate)).toEqual({ value: 100, part: 400, whole: 400, percentiles: [] });
  expect(measured(bucket(0, 0, 0), metricOf(ORDERS, BUCKET)).value).toBe(0);
});

describe("a total", () => {
  const shares = (pairs: readonly [number, number][]): Measured[] =>
    pairs.map(([part, whole]) => ({ value: 0, part, whole, percentiles: [] }));
  const rate = metricOf(PAYMENTS, BUCKET);

  it.each([
    [
      [
        [1, 2],
        [0, 2],
      ],
      25,
    ],
    [[[1, 3]], 33.3],
    [[[2, 3]], 66.7],
    [[[1, 2_000]], 0.1],
    [[[949_600, 1_000_000]], 95],
    [[[12, 10]], 100],
    [[[0, 7]], 0],
  ] as [[number, number][], number][])("of the shares %j is %d %%", (pairs, value) => {
    expect(totalOf(shares(pairs), rate).value).toBe(value);
  });

  it("isn't the mean of the rates", () => {
    const [few, many] = [bucket(0, 0, 1), bucket(1, 0, 99)];
    few.payments_successful = 0;
    expect(
      totalOf(
        [few, many].map((one) => measured(one, rate)),
        rate,
      ),
    ).toEqual({
      ...{ value: 99, part: 99, whole: 100 },
      percentiles: [],
    });
  });

  it("of nothing is no value for a rate, and 0 for a count", () => {
    expect(totalOf([], rate).value).toBeNull();
    expect(totalOf(shares([[0, 0]]), rate).value).toBeNull();
    expect(totalOf([], metricOf(ORDERS, BUCKET)).value).toBe(0);
  });

  it("of one bucket is the bucket's own number", () => {
    for (const kpi of [ORDERS, PAYMENTS, TIME]) {
      const metric = metricOf(kpi, BUCKET);
      const one = measured(BUCKET, metric);
      expect(totalOf([one], metric).value, kpi.key).toBe(one.value);
    }
  });
});

describe("the KPI to show", () => {
  it("is the wanted one", () => {
    expect(shownKpi(kpis, "payment_success_rate", BUCKET)?.key).toBe("payment_success_rate");
  });

  it("is the first that the series has, if it hasn't got the wanted one", () => {
    expect(shownKpi(kpis, "nothing", BUCKET)?.key).toBe("orders_created");
    const ofWorkflow = { workflow_failure_rate: 3, avg_execution_time_ms: 9 };
    const more = [...kpis, PAYMENTS, { key: "workflow_failure_rate" }, TIME];
    expect(shownKpi(more, "orders_created", ofWorkflow)?.key).toBe("workflow_failure_rate");
  });

  it("is none if there is nothing", () => {
    expect(shownKpi(kpis, "orders_created", {})).toBeNull();
    expect(shownKpi([], "orders_created", undefined)).toBeNull();
  });

  it("is the wanted one of a series without a bucket: there is nothing of it, which is said", () => {
    expect(shownKpi(kpis, "payment_success_rate", undefined)?.key).toBe("payment_success_rate");
  });
});
