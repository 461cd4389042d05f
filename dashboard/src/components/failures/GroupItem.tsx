// Failures with one message: how many, in which workflows, since when; it opens to its runs.

import { ChevronDown } from "lucide-react";
import { useState } from "react";
import type { FailureGroup } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";
import { nameOf, ratio } from "../../view/workflowOrder";
import { ShareBar } from "../parts/ShareBar";
import { GroupRuns } from "./GroupRuns";

interface GroupItemProps {
  group: FailureGroup;
  /** The failures of all groups. */
  grouped: number;
}

export function GroupItem({ group, grouped }: GroupItemProps) {
  const [open, setOpen] = useState(false);
  const { formats } = usePlace();
  const { failures } = useAllTexts();
  const { key, message, count, firstSeen, lastSeen, workflowCount, workflows } = group;
  const [mostly] = workflows;
  return (
    <li data-group={key} className="border-t border-line first:border-t-0">
      <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="flex items-start gap-3 rounded-md py-2 text-sm hover:bg-sunken focus-visible:-outline-offset-2 pointer-coarse:py-3">
          <ChevronDown className="mt-0.5 size-3.5 shrink-0 -rotate-90 text-muted transition-transform group-open:rotate-0 print:hidden" />
          <span className="min-w-0 grow">
            <span className={`line-clamp-2 wrap-anywhere ${message === "" ? "text-muted" : "font-medium"}`}>
              {message || failures.noMessage}
            </span>
            <span className="mt-0.5 flex flex-wrap gap-x-3 text-xs text-muted">
              {mostly !== undefined && <span>{failures.inWorkflows(nameOf(mostly), workflowCount - 1)}</span>}
              {count > 1 && (
                <span>
                  {failures.first} <Moment at={firstSeen} />
                </span>
              )}
              <span>
                {count > 1 && `${failures.last} `}
                <Moment at={lastSeen} />
              </span>
            </span>
          </span>
          <span className="w-20 shrink-0 text-right sm:w-28">
            <data data-part="count" value={count} className="font-semibold whitespace-nowrap">
              {failures.runCount(count, formats.count(count))}
            </data>
            <ShareBar
              segments={[{ share: ratio(count, grouped), ink: "text-bad" }]}
              className="mt-1 block h-1 w-full rounded-full bg-sunken"
            />
          </span>
        </summary>
        {open && <GroupRuns group={group} />}
      </details>
    </li>
  );
}

function Moment({ at }: { at: string }) {
  const { formats } = usePlace();
  return (
    <time dateTime={at} title={formats.exactly(at)}>
      {formats.moment(at)}
    </time>
  );
}
