// The orders of the workflows' table, and its bars.

import { expect, it } from "vitest";
import { workflowHealth } from "../testing/answers";
import { failures, nameOf, ordered, ratio, shareOf, slowestOf, type WorkflowSort } from "./workflowOrder";

const { workflows, totals } = workflowHealth();
const names = (sort: WorkflowSort, reversed: boolean) => ordered(workflows, sort, reversed).map(nameOf);
const [welcome, billing] = workflows;
if (welcome === undefined || billing === undefined) throw new Error("two workflows");

it.each([
  ["name", false, ["Billing", "Welcome"]],
  ["name", true, ["Welcome", "Billing"]],
  ["failures", false, ["Welcome", "Billing"]],
  ["failures", true, ["Billing", "Welcome"]],
  ["runs", false, ["Welcome", "Billing"]],
  ["failure_rate", true, ["Billing", "Welcome"]],
  // Equal times: by id, in either direction.
  ["p95_execution_time_ms", false, ["Welcome", "Billing"]],
  ["p95_execution_time_ms", true, ["Welcome", "Billing"]],
] as const)("%s, reversed %s", (sort, reversed, expected) => {
  expect(names(sort, reversed)).toEqual(expected);
});

it("calls failed what didn't succeed, in each row and in all", () => {
  expect(failures(totals)).toBe(totals.total - totals.success);
  expect(workflows.map(failures).reduce((sum, count) => sum + count, 0)).toBe(failures(totals));
  // The API's own rate is of the same failures.
  expect((100 * failures(totals)) / totals.total).toBe(totals.failureRate);
});

it("names a workflow by its id if it has no name", () => {
  expect(nameOf({ workflowId: "w9", workflowName: "" })).toBe("w9");
});

it.each([
  ["runs", 8 / 12],
  ["name", 8 / 12],
  ["failures", 1],
  ["failure_rate", 0.375],
  ["avg_execution_time_ms", 1],
  ["p95_execution_time_ms", 1],
] as const)("fills the bar by %s to %d", (sort, share) => {
  expect(shareOf(welcome, sort, totals, slowestOf(workflows, sort))).toBeCloseTo(share);
});

it("draws no bar for what isn't there", () => {
  expect(shareOf(billing, "failures", totals, 0)).toBe(0);
  expect(shareOf({ ...billing, p95ExecutionTimeMs: null }, "p95_execution_time_ms", totals, 0)).toBe(0);
  expect(slowestOf([], "avg_execution_time_ms")).toBe(0);
  expect([ratio(1, 0), ratio(3, 2), ratio(-1, 2)]).toEqual([0, 1, 0]);
});
