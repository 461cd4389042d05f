// The plan an organization is on.

import type { Summary } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";

export function PlanBadge({ plan }: { plan: Summary["plan"] }) {
  const { page } = useTexts();
  if (plan === null) return null;
  return (
    <span
      title={page.plan(plan.name)}
      className="shrink-0 rounded-full border border-line-strong px-2 py-px text-xs font-medium text-muted capitalize"
    >
      <span aria-hidden="true">{plan.name}</span>
      <span className="sr-only">{page.plan(plan.name)}</span>
    </span>
  );
}
