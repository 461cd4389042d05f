// The table of workflows with their runs, sortable by any column.

import { useState } from "react";
import type { Workflow } from "../../api/answers";
import { usePlace } from "../../view/ViewContext";
import { failures, ordered, type WorkflowSort } from "../../view/workflowOrder";
import { Icon } from "../parts/icons";
import { Scroll } from "../parts/Scroll";

/** The most workflows that the API lists. */
const LISTED_MAX = 100;

interface WorkflowTableProps {
  workflows: readonly Workflow[];
  sort: WorkflowSort;
  onSort: (sort: WorkflowSort) => void;
}

export function WorkflowTable({ workflows, sort, onSort }: WorkflowTableProps) {
  const [reversed, setReversed] = useState(false);
  const { formats } = usePlace();
  const percentiles = workflows.some((workflow) => workflow.p95ExecutionTimeMs != null);
  const choose = (by: WorkflowSort) => {
    setReversed(by === sort && !reversed);
    if (by !== sort) onSort(by);
  };
  const head = (by: WorkflowSort, words: string) => (
    <ColumnHead
      words={words}
      sorted={by === sort}
      ascending={(by === "name") !== reversed}
      onSort={() => choose(by)}
    />
  );
  return (
    <Scroll label="Workflows">
      <table className="w-full text-right text-sm">
        <thead className="sticky top-0 bg-surface text-xs text-muted">
          <tr className="*:border-b *:border-line *:py-2 *:pl-3 *:font-medium *:first:pl-0 *:first:text-left @max-[21rem]:*:last:hidden">
            {head("name", "Workflow")}
            {head("runs", "Runs")}
            {head("failures", "Failed")}
            {head("failure_rate", "Rate")}
            {percentiles ? head("p95_execution_time_ms", "p95") : head("avg_execution_time_ms", "Mean")}
          </tr>
        </thead>
        <tbody>
          {ordered(workflows, sort, reversed).map((workflow) => (
            <tr
              key={workflow.workflowId}
              className="*:border-b *:border-line *:py-1.5 *:pl-3 *:first:pl-0 *:first:text-left @max-[21rem]:*:last:hidden"
            >
              <th scope="row" className="w-full max-w-0 truncate font-normal" title={workflow.workflowId}>
                {workflow.workflowName || workflow.workflowId}
              </th>
              <td>{formats.count(workflow.total)}</td>
              <td>{formats.count(failures(workflow))}</td>
              <td className="whitespace-nowrap">{formats.percent(workflow.failureRate)}</td>
              <td className="whitespace-nowrap">{timeOf(workflow, percentiles, formats.duration)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {workflows.length >= LISTED_MAX && (
        <p className="py-2 text-xs text-muted">The first {LISTED_MAX} by this column are listed.</p>
      )}
    </Scroll>
  );
}

function timeOf(workflow: Workflow, percentiles: boolean, duration: (ms: number) => string): string {
  const time = percentiles ? workflow.p95ExecutionTimeMs : workflow.avgExecutionTimeMs;
  return time == null ? "–" : duration(time);
}

interface ColumnHeadProps {
  words: string;
  sorted: boolean;
  ascending: boolean;
  onSort: () => void;
}

function ColumnHead({ words, sorted, ascending, onSort }: ColumnHeadProps) {
  return (
    <th scope="col" className="group" aria-sort={sorted ? (ascending ? "ascending" : "descending") : "none"}>
      <button
        type="button"
        onClick={onSort}
        className={`inline-flex items-center gap-0.5 rounded-sm align-middle whitespace-nowrap group-first:flex-row-reverse hover:text-ink ${sorted ? "text-ink" : ""}`}
      >
        <Icon
          name={ascending && sorted ? "arrowUp" : "arrowDown"}
          className={`size-3 print:hidden ${sorted ? "" : "invisible"}`}
        />
        {words}
      </button>
    </th>
  );
}
