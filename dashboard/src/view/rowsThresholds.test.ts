// What is typed into the form of thresholds, and what is made of it.

import { describe, expect, it } from "vitest";
import type { ThresholdsOfAlert } from "../api/answers";
import { differs, EMPTY, entriesOf, placeOf, read } from "./rowsThresholds";

const PAYMENTS: ThresholdsOfAlert = {
  key: "payment_success_low",
  kpi: "payment_success_rate",
  title: "Payments are failing",
  unit: "percent",
  better: "up",
  minimum: 0,
  maximum: 100,
  default: { warning: 95, critical: 85, leastSample: 20 },
  own: { warning: 97.5, critical: null, leastSample: null },
  applies: { warning: 97.5, critical: 85, leastSample: 20 },
  thresholdSource: "organization",
  updatedAt: "2026-02-25T10:00:00.000Z",
  updatedBy: "ann",
};
const FAILURES: ThresholdsOfAlert = {
  ...PAYMENTS,
  key: "workflow_failures_high",
  better: "down",
  default: { warning: 10, critical: 25, leastSample: 10 },
  own: { warning: null, critical: null, leastSample: null },
};
const ALERTS = [PAYMENTS, FAILURES];

it("shows the organization's own numbers, in its way of writing", () => {
  const entries = entriesOf(ALERTS, ",");
  expect(entries).toEqual({
    payment_success_low: { warning: "97,5", critical: "", leastSample: "" },
    workflow_failures_high: EMPTY,
  });
  expect(differs(entries, entriesOf(ALERTS, ","))).toBe(false);
  expect(differs(entries, { ...entries, workflow_failures_high: { ...EMPTY, warning: "11" } })).toBe(true);
});

describe("what is typed", () => {
  const typed = (warning: string, critical = "", leastSample = "") =>
    read({ payment_success_low: { warning, critical, leastSample } }, [PAYMENTS]);

  it.each([
    ["97.5", "", "", { warning: 97.5, critical: null, leastSample: null }],
    ["97,5", " 90 ", "50", { warning: 97.5, critical: 90, leastSample: 50 }],
    ["100", "0", "1", { warning: 100, critical: 0, leastSample: 1 }],
    ["85", "", "", { warning: 85, critical: null, leastSample: null }],
  ])("%o, %o, %o is read", (warning, critical, leastSample, own) => {
    expect(typed(warning, critical, leastSample)).toEqual({
      document: { thresholds: { payment_success_low: own } },
    });
  });

  it("is the default where there is nothing", () => {
    expect(typed("")).toEqual({ document: { thresholds: {} } });
    expect(read({}, ALERTS)).toEqual({ document: { thresholds: {} } });
  });

  it.each([
    ["abc", "", "", "payment_success_low/warning", { kind: "number" }],
    ["-1", "", "", "payment_success_low/warning", { kind: "number" }],
    ["1.000,5", "", "", "payment_success_low/warning", { kind: "number" }],
    ["100.1", "", "", "payment_success_low/warning", { kind: "range", minimum: 0, maximum: 100 }],
    ["97.25", "", "", "payment_success_low/warning", { kind: "decimals" }],
    ["", "", "0", "payment_success_low/leastSample", { kind: "sample" }],
    ["", "", "1,000", "payment_success_low/leastSample", { kind: "sample" }],
    ["", "", "1000000001", "payment_success_low/leastSample", { kind: "sample" }],
    // Against the other number, be it the default.
    ["80", "", "", "payment_success_low", { kind: "order", better: "up" }],
    ["", "95.1", "", "payment_success_low", { kind: "order", better: "up" }],
    ["90", "91", "", "payment_success_low", { kind: "order", better: "up" }],
  ])("%o, %o, %o is wrong at %s", (warning, critical, leastSample, place, complaint) => {
    expect(typed(warning, critical, leastSample)).toEqual({ complaints: { [place]: complaint } });
  });

  it("gets worse upwards where less is better", () => {
    const failures = (warning: string, critical: string) =>
      read({ workflow_failures_high: { ...EMPTY, warning, critical } }, [FAILURES]);
    expect(failures("20", "20")).toHaveProperty("document");
    expect(failures("30", "")).toEqual({
      complaints: { workflow_failures_high: { kind: "order", better: "down" } },
    });
  });

  it("is complained about once for each place", () => {
    const entries = { payment_success_low: { ...EMPTY, warning: "x", critical: "y" } };
    expect(Object.keys((read(entries, ALERTS) as { complaints: object }).complaints)).toEqual([
      "payment_success_low/warning",
      "payment_success_low/critical",
    ]);
  });
});

it.each([
  ["/thresholds/payment_success_low/warning", "payment_success_low/warning"],
  ["/thresholds/payment_success_low", "payment_success_low"],
  ["/thresholds/a~1b~0c", "a/b~c"],
  ["/thresholds", null],
  ["", null],
  ["/run", null],
])("the API's %s is at %s", (pointer, place) => {
  expect(placeOf(pointer)).toBe(place);
});
