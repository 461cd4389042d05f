// The panel of workflow runs: how they ended, in total and by workflow, and how long they took.

import type { WorkflowHealth } from "../../api/answers";
import type { Asked } from "../../view/questions";
import type { WorkflowSort } from "../../view/workflowOrder";
import { Blank } from "../parts/Blank";
import { Panel } from "../panel/Panel";
import { ExecutionTimes } from "./ExecutionTimes";
import { OutcomeBar } from "./OutcomeBar";
import { WorkflowTable } from "./WorkflowTable";

interface WorkflowHealthBreakdownProps {
  health: Asked<WorkflowHealth>;
  sort: WorkflowSort;
  onSort: (sort: WorkflowSort) => void;
}

export function WorkflowHealthBreakdown({ health, sort, onSort }: WorkflowHealthBreakdownProps) {
  return (
    <Panel title="Workflow health" asked={health} className="h-[27rem]" skeleton={<Skeleton />}>
      {({ totals, workflows }) =>
        totals.total === 0 ? (
          <Blank icon="check" title="No workflow finished in this period">
            Runs are counted when they end, whatever their outcome.
          </Blank>
        ) : (
          <>
            <OutcomeBar totals={totals} />
            <ExecutionTimes runs={totals} />
            <WorkflowTable workflows={workflows} sort={sort} onSort={onSort} />
          </>
        )
      }
    </Panel>
  );
}

function Skeleton() {
  return (
    <div className="flex grow flex-col gap-4 pt-2">
      <div className="skeleton h-3" />
      <div className="skeleton h-10" />
      <div className="skeleton h-10" />
      <div className="skeleton grow" />
    </div>
  );
}
