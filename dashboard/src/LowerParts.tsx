// What is below cards and chart, or only sometimes there: a piece that is loaded beside the first question, and what
// stands for each part of it until then.

import { lazy, memo } from "react";
import type { Overview } from "./api/answers";
import { Later } from "./components/parts/Later";
import { PanelFrame } from "./components/panel/PanelFrame";
import { PanelMenuPlace } from "./components/parts/PanelMenu";
import { useTexts } from "./texts/TextsContext";
import type { Asked } from "./view/questions";
import { usePlace } from "./view/ViewContext";

const load = () => import("./lowerParts.piece");
const PANELS = {
  workflows: lazy(async () => ({ default: (await load()).WorkflowPanel })),
  failures: lazy(async () => ({ default: (await load()).FailuresPanel })),
  insights: lazy(async () => ({ default: (await load()).InsightPanel })),
  deliveries: lazy(async () => ({ default: (await load()).DeliveryPanel })),
} as const;

const Greeting = lazy(async () => ({ default: (await load()).Welcome }));

const Foot = lazy(async () => ({ default: (await load()).Footer }));
const Notes = lazy(async () => ({ default: (await load()).PageNotes }));
const Chip = lazy(async () => ({ default: (await load()).WorkflowChip }));

/** Which ranges are compared, below everything. */
export function Footer({ overview }: { overview: Overview }) {
  return (
    <Later waiting={<></>}>
      <Foot overview={overview} />
    </Later>
  );
}

/** What wasn't understood; mostly nothing. */
export function PageNotes() {
  const { notes } = usePlace();
  if (notes.length === 0) return null;
  // As tall as notes of one line.
  return (
    <Later
      waiting={notes.map((_, index) => (
        <div key={index} className="h-10" />
      ))}
    >
      <Notes />
    </Later>
  );
}

/** The workflow that the page is limited to, or was until just now. */
export function WorkflowChip({ overview }: { overview: Asked<Overview> }) {
  const ofAll = usePlace().view.workflow === null;
  return (
    <Later waiting={<div className={ofAll ? "hidden" : "h-7 pointer-coarse:h-10"} />}>
      <Chip overview={overview} />
    </Later>
  );
}

/** What an organization sees before its first record is counted. */
export function Welcome({ organizationId }: { organizationId: string }) {
  return (
    <Later waiting={<div className="skeleton" />}>
      <Greeting organizationId={organizationId} />
    </Later>
  );
}

interface LowerPanelProps {
  name: keyof typeof PANELS;
  overview: Asked<Overview>;
}

export const LowerPanel = memo(function LowerPanel({ name, overview }: LowerPanelProps) {
  const { panels } = useTexts();
  const Panel = PANELS[name];
  return (
    <Later
      waiting={
        <PanelFrame name={name} title={panels[name]} controls={<PanelMenuPlace />} busy>
          <div className="skeleton h-72" />
        </PanelFrame>
      }
    >
      <Panel overview={overview} />
    </Later>
  );
});
