// The orders of the workflow table.

import { expect, it } from "vitest";
import { workflowHealth } from "../testing/answers";
import { ordered } from "./workflowOrder";

const { workflows } = workflowHealth();
const names = (sort: Parameters<typeof ordered>[1], reversed: boolean) =>
  ordered(workflows, sort, reversed).map((workflow) => workflow.workflowName);

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
