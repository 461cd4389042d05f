// A failed run: a line that expands to all its details.

import type { Failure } from "../../api/answers";
import { usePlace } from "../../view/ViewContext";
import { Icon, type IconName } from "../parts/icons";
import { CopyButton } from "./CopyButton";

const OUTCOMES: Readonly<Record<Failure["outcome"], { words: string; icon: IconName; ink: string }>> = {
  FAILED: { words: "Failed", icon: "circleCross", ink: "text-bad" },
  FAILED_SAFETY_LIMIT: { words: "Stopped by the safety limit", icon: "octagon", ink: "text-warning" },
};

export function FailureItem({ failure }: { failure: Failure }) {
  const { formats } = usePlace();
  const { words, icon, ink } = OUTCOMES[failure.outcome];
  return (
    <li>
      <details className="group">
        <summary className="flex items-center gap-3 rounded-md py-2 text-sm hover:bg-sunken focus-visible:-outline-offset-2">
          <Icon name={icon} className={ink} />
          <span className="sr-only">{words}: </span>
          <span className="min-w-0 grow sm:flex sm:items-baseline sm:gap-3">
            <span className="block shrink-0 truncate font-medium sm:max-w-[45%]">
              {failure.workflowName || failure.workflowId}
            </span>
            <span className="block min-w-0 truncate text-muted">{failure.errorMessage || "No message"}</span>
          </span>
          <time dateTime={failure.finishedAt} className="shrink-0 text-xs text-muted">
            {formats.moment(failure.finishedAt)}
          </time>
          <Icon
            name="chevron"
            className="size-3.5 text-muted transition-transform group-open:rotate-180 print:hidden"
          />
        </summary>
        <Details failure={failure} outcome={words} />
      </details>
    </li>
  );
}

function Details({ failure, outcome }: { failure: Failure; outcome: string }) {
  const { formats } = usePlace();
  return (
    <div className="mb-3 ml-7 rounded-lg bg-sunken p-3 text-sm">
      {failure.errorMessage !== "" && (
        <p className="mb-3 font-mono text-xs wrap-anywhere whitespace-pre-wrap">{failure.errorMessage}</p>
      )}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1.5 text-xs *:odd:text-muted">
        <dt>Outcome</dt>
        <dd>{outcome}</dd>
        <dt>Execution</dt>
        <dd className="flex min-w-0 items-center gap-2">
          <span className="min-w-0 truncate font-mono">{failure.executionId}</span>
          <CopyButton text={failure.executionId} name="execution id" />
        </dd>
        <dt>Workflow</dt>
        <dd className="truncate font-mono">{failure.workflowId}</dd>
        <dt>Ran for</dt>
        <dd>{formats.duration(failure.executionTimeMs)}</dd>
        <dt>Ended</dt>
        <dd>{formats.exactly(failure.finishedAt)}</dd>
      </dl>
    </div>
  );
}
