// The sort orders of the workflow table. Pure.

import type { Workflow, WorkflowSort } from "../api/answers";

export type { WorkflowSort };

const SORT_KEYS: Readonly<Record<WorkflowSort, (workflow: Workflow) => number | string>> = {
  name: (workflow) => workflow.workflowName.toLocaleLowerCase(),
  runs: (workflow) => workflow.total,
  failures: failures,
  failure_rate: (workflow) => workflow.failureRate,
  avg_execution_time_ms: (workflow) => workflow.avgExecutionTimeMs,
  p95_execution_time_ms: (workflow) => workflow.p95ExecutionTimeMs ?? -1,
};

export function failures(workflow: Workflow): number {
  return workflow.failed + workflow.failedSafetyLimit;
}

/** Names from A to Z, numbers from the greatest, as in the API; `reversed` turns that round. Ties are ordered by id. */
export function ordered(workflows: readonly Workflow[], sort: WorkflowSort, reversed: boolean): Workflow[] {
  const key = SORT_KEYS[sort];
  const ascending = (sort === "name") !== reversed;
  return [...workflows].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === b) return one.workflowId < other.workflowId ? -1 : 1;
    return a < b === ascending ? -1 : 1;
  });
}
