// The panel of workflow runs: how they ended and how long they took, of all or of one workflow, and each workflow's share.

import { CircleDashed } from "lucide-react";
import { useMemo } from "react";
import type { Overview, WorkflowHealth } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { type Asked, useWorkflowHealth } from "../../view/questions";
import { ROWS_PER_REQUEST } from "../../view/rowQuestions";
import { useCsvCommand } from "../../view/rowsCsv";
import { usePlace } from "../../view/ViewContext";
import { OwnRange } from "../panel/OwnRange";
import { Panel } from "../panel/Panel";
import { useOwnRange } from "../panel/useOwnRange";
import { PanelTrouble } from "../panel/PanelTrouble";
import { Blank } from "../parts/Blank";
import { Remark } from "../parts/Remark";
import { ExecutionTimes } from "./ExecutionTimes";
import { OfWorkflow } from "./OfWorkflow";
import { OutcomeBar } from "./OutcomeBar";
import { WorkflowTable } from "./WorkflowTable";

export function WorkflowPanel({ overview }: { overview: Asked<Overview> }) {
  const { view } = usePlace();
  const { panels, workflows, rows } = useAllTexts();
  const csv = useCsvCommand(
    {
      id: "workflows.csv",
      keys: "R",
      label: rows.csv.save,
      file: "workflows",
      path: "/metrics/workflow-health",
      query: { list: "workflows", sort: view.sort, workflowsLimit: ROWS_PER_REQUEST },
    },
    overview.data?.body.workflowHealth ?? null,
  );
  const menu = useMemo(() => [csv.command], [csv.command]);
  const ownRange = useOwnRange(overview, overview.data?.body.workflowHealth);
  return (
    <Panel
      name="workflows"
      title={panels.workflows}
      asked={overview}
      remark={<OfWorkflow overview={overview} />}
      menu={menu}
      skeleton={<Skeleton />}
    >
      {({ workflowHealth }) => (
        <>
          <Remark words={csv.remark} />
          <OwnRange words={ownRange} />
          {workflowHealth.totals.total === 0 ? (
            <Blank icon={CircleDashed} title={workflows.none}>
              {workflows.noneWhy}
            </Blank>
          ) : (
            <>
              {view.workflow === null ? <Totals totals={workflowHealth.totals} /> : <TotalsOfOne />}
              <WorkflowTable health={workflowHealth} />
            </>
          )}
        </>
      )}
    </Panel>
  );
}

function Totals({ totals }: { totals: WorkflowHealth["totals"] }) {
  return (
    <div className="pb-3">
      <OutcomeBar totals={totals} />
      <ExecutionTimes runs={totals} />
    </div>
  );
}

/** Those of the workflow that the page is limited to. */
function TotalsOfOne() {
  const { workflows } = useAllTexts();
  const own = useWorkflowHealth();
  if (own.data === undefined && own.error !== null) {
    return <PanelTrouble refusal={own.error} onRetry={() => void own.refetch()} />;
  }
  if (own.data === undefined || own.isPlaceholderData) return <TotalsSkeleton />;
  const { totals } = own.data.body;
  if (totals.total === 0) return <p className="min-h-20 pt-1 text-sm text-muted">{workflows.noneOfOne}</p>;
  return <Totals totals={totals} />;
}

function TotalsSkeleton() {
  return (
    <div className="flex flex-col gap-2.5 pb-3">
      <div className="skeleton h-2.5" />
      <div className="skeleton h-5" />
      <div className="skeleton h-5" />
    </div>
  );
}

function Skeleton() {
  return (
    <div>
      <TotalsSkeleton />
      <div className="flex flex-col gap-2 pt-2">
        {Array.from({ length: 6 }, (_, index) => (
          <div key={index} className="skeleton h-7" />
        ))}
      </div>
    </div>
  );
}
