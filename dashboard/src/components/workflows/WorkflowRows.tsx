// The rows of the workflows' table: runs, failures, rate and times, with a bar for what is sorted by.

import { ArrowDown, ArrowUp } from "lucide-react";
import type { Workflow, WorkflowHealth, WorkflowSort } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";
import { failures, nameOf, shareOf, slowestOf } from "../../view/workflowOrder";
import { ShareBar } from "../parts/ShareBar";
import { ViewLink } from "../parts/ViewLink";

/** From the left; the last ones have no room on a narrow screen. */
const COLUMNS = [
  { sort: "name", room: "" },
  { sort: "runs", room: "" },
  { sort: "failures", room: "" },
  { sort: "failure_rate", room: "@max-[20rem]:hidden" },
  { sort: "p95_execution_time_ms", room: "@max-[28rem]:hidden" },
  { sort: "avg_execution_time_ms", room: "@max-[40rem]:hidden" },
] as const satisfies readonly { sort: WorkflowSort; room: string }[];

/** What a bar is of: failures and their rate are bad. */
const INKS: Readonly<Record<WorkflowSort, string>> = {
  name: "text-accent",
  runs: "text-accent",
  failures: "text-bad",
  failure_rate: "text-bad",
  avg_execution_time_ms: "text-muted",
  p95_execution_time_ms: "text-muted",
};

interface WorkflowRowsProps {
  /** Those of the page, in order. */
  workflows: readonly Workflow[];
  /** Those that bars of times are drawn beside. */
  listed: readonly Workflow[];
  totals: WorkflowHealth["totals"];
  reversed: boolean;
  onSort: (sort: WorkflowSort) => void;
}

export function WorkflowRows({ workflows, listed, totals, reversed, onSort }: WorkflowRowsProps) {
  const { view } = usePlace();
  const texts = useAllTexts();
  const slowest = slowestOf(listed, view.sort);
  return (
    <table className="w-full border-t border-line text-right text-sm" aria-label={texts.workflows.table}>
      <thead className="text-xs text-muted">
        <tr>
          {COLUMNS.map(({ sort, room }) => (
            <ColumnHead
              key={sort}
              words={texts.workflows.columns[sort]}
              hint={sort === "p95_execution_time_ms" ? texts.workflows.estimated : undefined}
              sorted={sort === view.sort}
              ascending={(sort === "name") !== reversed}
              onSort={() => onSort(sort)}
              className={room}
            />
          ))}
        </tr>
      </thead>
      <tbody>
        {workflows.map((workflow) => (
          <WorkflowRow
            key={workflow.workflowId}
            workflow={workflow}
            share={shareOf(workflow, view.sort, totals, slowest)}
            ink={INKS[view.sort]}
          />
        ))}
      </tbody>
    </table>
  );
}

interface WorkflowRowProps {
  workflow: Workflow;
  share: number;
  ink: string;
}

function WorkflowRow({ workflow, share, ink }: WorkflowRowProps) {
  const { view, formats } = usePlace();
  const { workflows } = useAllTexts();
  const { workflowId, p95ExecutionTimeMs, avgExecutionTimeMs } = workflow;
  const name = nameOf(workflow);
  const isChosen = view.workflow === workflowId;
  const cells: Readonly<Record<string, string>> = {
    runs: formats.count(workflow.total),
    failures: formats.count(failures(workflow)),
    failure_rate: formats.percent(workflow.failureRate),
    p95_execution_time_ms:
      p95ExecutionTimeMs === null ? workflows.noTime : formats.rounded(p95ExecutionTimeMs),
    avg_execution_time_ms: formats.duration(avgExecutionTimeMs),
  };
  return (
    <tr
      data-workflow={workflowId}
      className={`*:border-t *:border-line ${isChosen ? "bg-sunken" : "hover:bg-sunken"}`}
    >
      <th scope="row" className="relative w-full max-w-0 p-0 text-left font-normal">
        <ShareBar
          segments={[{ share, ink }]}
          opacity={0.16}
          className="absolute inset-y-px left-0 h-[calc(100%-2px)] w-full"
        />
        <ViewLink
          to={{ workflow: isChosen ? null : workflowId }}
          current={isChosen}
          title={isChosen ? workflows.showAll : workflows.showOnly(name)}
          className={`relative block min-w-24 wrap-anywhere px-2 py-1.5 hover:underline pointer-coarse:py-2.5 ${isChosen ? "font-semibold" : ""}`}
        >
          {name}
        </ViewLink>
      </th>
      {COLUMNS.slice(1).map(({ sort, room }) => (
        <td
          key={sort}
          data-column={COLUMN_NAMES[sort]}
          className={`py-1.5 pl-3 whitespace-nowrap align-baseline last:pr-1 ${room}`}
        >
          {cells[sort]}
        </td>
      ))}
    </tr>
  );
}

const COLUMN_NAMES: Readonly<Record<string, string>> = {
  runs: "runs",
  failures: "failed",
  failure_rate: "rate",
  p95_execution_time_ms: "p95",
  avg_execution_time_ms: "mean",
};

interface ColumnHeadProps {
  words: string;
  hint: string | undefined;
  sorted: boolean;
  ascending: boolean;
  onSort: () => void;
  className: string;
}

function ColumnHead({ words, hint, sorted, ascending, onSort, className }: ColumnHeadProps) {
  const Arrow = ascending && sorted ? ArrowUp : ArrowDown;
  return (
    <th
      scope="col"
      className={`group pt-2 pb-1.5 pl-3 font-medium first:pl-2 first:text-left last:pr-1 ${className}`}
      aria-sort={sorted ? (ascending ? "ascending" : "descending") : "none"}
    >
      <button
        type="button"
        onClick={onSort}
        title={hint}
        className={`inline-flex items-center gap-0.5 rounded-sm align-middle whitespace-nowrap group-first:flex-row-reverse hover:text-ink pointer-coarse:min-h-10 ${sorted ? "text-ink" : ""}`}
      >
        <Arrow className={`size-3 print:hidden ${sorted ? "" : "invisible"}`} />
        {words}
      </button>
    </th>
  );
}
