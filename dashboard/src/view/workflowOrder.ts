// The workflows' table: its orders, its shares, and what "failed" means in it. Pure.

import type { Workflow, WorkflowHealth, WorkflowSort } from "../api/answers";

export type { WorkflowSort };

type Totals = WorkflowHealth["totals"];
type Ended = Pick<Totals, "failed" | "failedSafetyLimit">;

/** The time that the API can't estimate because no run is known sorts last. */
const NO_TIME = -1;

const SORT_KEYS: Readonly<Record<WorkflowSort, (workflow: Workflow) => number | string>> = {
  name: (workflow) => nameOf(workflow).toLocaleLowerCase(),
  runs: (workflow) => workflow.total,
  failures: failures,
  failure_rate: (workflow) => workflow.failureRate,
  avg_execution_time_ms: (workflow) => workflow.avgExecutionTimeMs,
  p95_execution_time_ms: (workflow) => workflow.p95ExecutionTimeMs ?? NO_TIME,
};

/**
 * How many runs failed: those that ended with an error, and those that the safety limit stopped. It is what the KPI of
 * failures counts, so it is what the page calls failed everywhere. The API's `failed` is a part of it.
 */
export function failures(runs: Ended): number {
  return runs.failed + runs.failedSafetyLimit;
}

/** What people call the workflow: its name, or its id if its records gave it none. */
export function nameOf({ workflowId, workflowName }: Pick<Workflow, "workflowId" | "workflowName">): string {
  return workflowName === "" ? workflowId : workflowName;
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

/**
 * The part of its row that a workflow's bar fills, from 0 to 1: its share of all runs or of all failures, its rate, or
 * its time beside the greatest one of the list. With names, its share of the runs.
 */
export function shareOf(workflow: Workflow, sort: WorkflowSort, totals: Totals, slowest: number): number {
  switch (sort) {
    case "name":
    case "runs":
      return ratio(workflow.total, totals.total);
    case "failures":
      return ratio(failures(workflow), failures(totals));
    case "failure_rate":
      return ratio(workflow.failureRate, 100);
    case "avg_execution_time_ms":
      return ratio(workflow.avgExecutionTimeMs, slowest);
    case "p95_execution_time_ms":
      return ratio(workflow.p95ExecutionTimeMs ?? 0, slowest);
  }
}

/** The greatest time of the list, by what is sorted by; 0 if that is no time. */
export function slowestOf(workflows: readonly Workflow[], sort: WorkflowSort): number {
  const time = (workflow: Workflow) => {
    if (sort === "avg_execution_time_ms") return workflow.avgExecutionTimeMs;
    return sort === "p95_execution_time_ms" ? (workflow.p95ExecutionTimeMs ?? 0) : 0;
  };
  return Math.max(0, ...workflows.map(time));
}

/** `part / whole`, from 0 to 1; 0 of nothing. */
export function ratio(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0;
}
