// What a choice leaves of the filter to a workflow.

import { expect, it } from "vitest";
import { workflowTrends } from "../testing/answers";
import { choosing, leftBy } from "./choosing";
import { readView, type View } from "./view";

const NOTHING = {
  ...{ range: null, from: null, to: null, timezone: null, granularity: null },
  ...{ compare: null, metric: null, workflow: null, sort: null },
};
const viewOf = (part: Partial<View>): View => ({ ...readView(NOTHING, "UTC").view, ...part });
const figures = workflowTrends().series[0];

it("keeps the filter for what is counted by workflow, and takes it off for the rest", () => {
  expect(choosing("avg_execution_time_ms", figures)).toEqual({ metric: "avg_execution_time_ms" });
  expect(choosing("orders_created", figures)).toEqual({ metric: "orders_created", workflow: null });
});

it("keeps the filter while nobody knows", () => {
  expect(choosing("orders_created", undefined)).toEqual({ metric: "orders_created" });
});

it("tells a filter that something else has taken off from one that a person has", () => {
  const filtered = viewOf({ workflow: "w1", metric: "workflow_failure_rate" });
  expect(leftBy(filtered, { ...filtered, workflow: null, metric: "orders_created" })).toBe(filtered);
  expect(leftBy(filtered, { ...filtered, workflow: null })).toBeNull();
  expect(leftBy(filtered, { ...filtered, workflow: "w2", metric: "orders_created" })).toBeNull();
  expect(leftBy(viewOf({}), viewOf({ metric: "payment_success_rate" }))).toBeNull();
});
