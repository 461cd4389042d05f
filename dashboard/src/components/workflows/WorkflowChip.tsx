// The workflow that the page is limited to, and the way back to all: once for the page. If the page is limited to none
// because something was chosen that no workflow has, the way back to the workflow.

import { Info, X } from "lucide-react";
import { useState } from "react";
import type { Overview } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { leftBy } from "../../view/choosing";
import { type Asked, useWorkflowHealth } from "../../view/questions";
import type { View } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { nameOf } from "../../view/workflowOrder";
import { Notice } from "../parts/Notice";

interface Step {
  view: View;
  /** The view before, if it lost its workflow. */
  left: View | null;
}

export function WorkflowChip({ overview }: { overview: Asked<Overview> }) {
  const { view, change } = usePlace();
  const { workflows } = useAllTexts();
  const [step, setStep] = useState<Step>({ view, left: null });
  if (JSON.stringify(step.view) !== JSON.stringify(view)) setStep({ view, left: leftBy(step.view, view) });
  const name = useWorkflowName(overview, view.workflow ?? step.left?.workflow ?? null);
  if (name === null) return null;
  const { left } = step;
  if (view.workflow === null) {
    return (
      left !== null && (
        <div data-note="workflow" className="print:hidden">
          <Notice
            tone="info"
            icon={Info}
            action={
              <button type="button" className="control" onClick={() => change(left)}>
                {workflows.backTo}
              </button>
            }
            onDismiss={() => setStep({ view, left: null })}
          >
            {workflows.nowAll(name)}
          </Notice>
        </div>
      )
    );
  }
  return (
    <button
      type="button"
      title={workflows.showAll}
      onClick={() => change({ workflow: null })}
      className="inline-flex min-h-7 max-w-full min-w-0 items-center self-start gap-1.5 rounded-full border border-accent bg-surface pr-1.5 pl-3 text-sm hover:bg-sunken pointer-coarse:min-h-10"
    >
      <span className="shrink-0 text-muted">{workflows.only}</span>
      <span className="min-w-0 text-left font-medium wrap-anywhere">{name}</span>
      <X className="size-3.5 text-muted print:hidden" />
      <span className="sr-only">{workflows.showAll}</span>
    </button>
  );
}

/** What a workflow is called; its id while, or if, nobody knows; null for none. */
export function useWorkflowName(overview: Asked<Overview>, workflow: string | null): string | null {
  const own = useWorkflowHealth();
  if (workflow === null) return null;
  const listed = [overview.data?.body.workflowHealth.workflows, own.data?.body.workflows];
  const known = listed.flatMap((list) => list ?? []).find(({ workflowId }) => workflowId === workflow);
  return known === undefined ? workflow : nameOf(known);
}
