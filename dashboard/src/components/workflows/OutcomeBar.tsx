// The three outcomes of runs, as shares of a bar and as numbers.

import type { WorkflowHealth } from "../../api/answers";
import { usePlace } from "../../view/ViewContext";
import { Icon, type IconName } from "../parts/icons";

type Totals = WorkflowHealth["totals"];
interface Outcome {
  name: string;
  icon: IconName;
  ink: string;
  count: (totals: Totals) => number;
}

const OUTCOMES: readonly Outcome[] = [
  { name: "Succeeded", icon: "circleCheck", ink: "text-good", count: (totals) => totals.success },
  { name: "Failed", icon: "circleCross", ink: "text-bad", count: (totals) => totals.failed },
  { name: "Safety limit", icon: "octagon", ink: "text-warning", count: (totals) => totals.failedSafetyLimit },
];

export function OutcomeBar({ totals }: { totals: Totals }) {
  const { formats } = usePlace();
  return (
    <div>
      <div className="flex h-2.5 gap-0.5 overflow-hidden rounded-full" aria-hidden="true">
        {OUTCOMES.filter(({ count }) => count(totals) > 0).map(({ name, ink, count }) => (
          <div
            key={name}
            className={`min-w-1 basis-0 bg-current ${ink}`}
            style={{ flexGrow: count(totals) }}
          />
        ))}
      </div>
      <dl className="mt-3 grid grid-cols-3 gap-x-2">
        {OUTCOMES.map(({ name, icon, ink, count }) => (
          <div key={name} className="min-w-0">
            <dt className="flex items-center gap-1 text-xs text-muted">
              <Icon name={icon} className={`size-3.5 ${ink}`} />
              <span className="truncate">{name}</span>
            </dt>
            <dd className="mt-0.5 flex flex-wrap items-baseline gap-x-1.5">
              <data value={count(totals)} className="text-lg font-semibold tracking-tight">
                {formats.count(count(totals))}
              </data>
              <span className="text-xs text-muted">
                {formats.percent((100 * count(totals)) / totals.total)}
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
