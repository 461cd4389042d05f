// Questions about rows: pages of workflows, failures by message, single failures.

import type { Client } from "business-metrics-client";
import type {
  FailureGroups,
  Failures,
  Range,
  RangeQuery,
  WorkflowHealth,
  WorkflowSort,
} from "../api/answers";
import { type Asked, useQuestion } from "./questions";
import { exactly } from "./rowsRange";
import { parametersOf, type View } from "./view";

/** Rows on a page of workflows, of failures, and of groups. */
export const ROWS_PER_PAGE = 10;
/** Rows on a page that goes into a file: as many as the API gives. */
export const ROWS_PER_REQUEST = 100;
/** Runs on a page within a group. */
export const RUNS_PER_PAGE = 5;

/** A page after the first: where it begins, and the range of the first, which the cursor belongs to. */
export interface Page {
  cursor: string;
  range: Range;
}

/** A page of workflows. Of the failures, which nobody reads, as few as the API gives. */
export function useWorkflowPage(sort: WorkflowSort, page: Page | null): Asked<WorkflowHealth> {
  return useQuestion(["workflows", sort, page], (view, now) => {
    const pages = { sort, workflowsCursor: page?.cursor, workflowsLimit: ROWS_PER_PAGE, limit: 1 };
    const query = { ...rangeOf(page, view, now), ...pages };
    return (client: Client, signal: AbortSignal) => client.get("/metrics/workflow-health", { query, signal });
  });
}

/** Failures by message, of the view's workflow or of all. */
export function useFailureGroups(page: Page | null, enabled: boolean): Asked<FailureGroups> {
  const question = (view: View, now: Date) => {
    const pages = { cursor: page?.cursor, limit: ROWS_PER_PAGE };
    const query = { ...rangeOf(page, view, now), ...pages, workflow: view.workflow ?? undefined };
    return (client: Client, signal: AbortSignal) => client.get("/metrics/failure-groups", { query, signal });
  };
  return useQuestion(["failure-groups", page], question, enabled);
}

/** Single failures, of the view's workflow or of all; of a group, if its key is given. */
export function useFailures(group: string | null, page: Page | null, enabled = true): Asked<Failures> {
  const question = (view: View, now: Date) => {
    const limit = group === null ? ROWS_PER_PAGE : RUNS_PER_PAGE;
    const which = { workflow: view.workflow ?? undefined, group: group ?? undefined };
    const query = { ...rangeOf(page, view, now), ...which, cursor: page?.cursor, limit };
    return (client: Client, signal: AbortSignal) => client.get("/metrics/failures", { query, signal });
  };
  return useQuestion(["failures", group, page], question, enabled);
}

function rangeOf(page: Page | null, view: View, now: Date): RangeQuery {
  return page === null ? parametersOf(view, now) : exactly(page.range);
}
