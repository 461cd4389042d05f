// Whose numbers a panel has: those of the workflow that the page is limited to, or of all although it is limited.

import type { Overview } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Asked } from "../../view/questions";
import { usePlace } from "../../view/ViewContext";
import { useWorkflowName } from "./WorkflowChip";

export function OfWorkflow({ overview }: { overview: Asked<Overview> }) {
  const { trend } = useAllTexts();
  const name = useWorkflowName(overview, usePlace().view.workflow);
  if (name === null) return null;
  return <span className="min-w-0 text-sm wrap-anywhere text-muted">{trend.ofWorkflow(name)}</span>;
}

export function OfAllWorkflows() {
  const { view } = usePlace();
  const { kpi } = useAllTexts();
  return view.workflow !== null && <span className="text-sm text-muted">{kpi.ofAll}</span>;
}
