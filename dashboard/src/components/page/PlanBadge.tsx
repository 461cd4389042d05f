// The plan an organization is on.

import type { Summary } from "../../api/answers";

export function PlanBadge({ plan }: { plan: Summary["plan"] }) {
  if (plan === null) return null;
  return (
    <span className="rounded-full border border-line-strong px-2 py-px text-xs font-medium text-muted capitalize">
      {plan.name}
      <span className="sr-only"> plan</span>
    </span>
  );
}
