// How runs ended, as shares of a bar and as numbers. Failed are all that didn't succeed, as in the table and on the card.

import { CircleCheck, CircleX, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { WorkflowHealth } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";
import { failures, ratio } from "../../view/workflowOrder";
import { ShareBar } from "../parts/ShareBar";

const INKS = { success: "text-good", failed: "text-bad", stopped: "text-warning" } as const;

export function OutcomeBar({ totals }: { totals: WorkflowHealth["totals"] }) {
  const { formats } = usePlace();
  const { workflows } = useAllTexts();
  const { total, success, failed, failedSafetyLimit } = totals;
  return (
    <div>
      <ShareBar
        segments={[
          { share: ratio(success, total), ink: INKS.success },
          { share: ratio(failed, total), ink: INKS.failed },
          { share: ratio(failedSafetyLimit, total), ink: INKS.stopped },
        ]}
        className="block h-2.5 w-full overflow-hidden rounded-full"
      />
      <dl className="mt-2.5 flex flex-wrap gap-x-8 gap-y-1.5" aria-label={workflows.outcomes}>
        <Outcome name={workflows.succeeded} icon={CircleCheck} ink={INKS.success}>
          <data data-outcome="success" value={success} className="font-semibold">
            {formats.count(success)}
          </data>
          <span className="text-muted">{formats.percent(100 * ratio(success, total))}</span>
        </Outcome>
        <Outcome name={workflows.failed} icon={CircleX} ink={INKS.failed}>
          <data data-outcome="failed" value={failures(totals)} className="font-semibold">
            {formats.count(failures(totals))}
          </data>
          <span className="text-muted">{formats.percent(100 * ratio(failures(totals), total))}</span>
          {failedSafetyLimit > 0 && (
            <data data-outcome="safetyLimit" value={failedSafetyLimit} className="text-muted">
              <ShareBar
                segments={[{ share: 1, ink: INKS.stopped }]}
                className="mr-1.5 inline-block size-2 rounded-full align-middle"
              />
              {workflows.stopped(formats.count(failedSafetyLimit))}
            </data>
          )}
        </Outcome>
      </dl>
    </div>
  );
}

interface OutcomeProps {
  name: string;
  icon: LucideIcon;
  ink: string;
  children: ReactNode;
}

function Outcome({ name, icon: Icon, ink, children }: OutcomeProps) {
  return (
    <div className="flex min-w-0 flex-wrap items-center gap-x-2 text-sm">
      <dt className="flex items-center gap-1.5">
        <Icon className={`size-3.5 ${ink}`} />
        {name}
      </dt>
      {/* Beside its name: what doesn’t fit in the line goes below both. */}
      <dd className="contents">{children}</dd>
    </div>
  );
}
