// A failed run: a line that opens to all its details.

import { ChevronDown } from "lucide-react";
import type { Failure } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";
import { nameOf } from "../../view/workflowOrder";
import { CopyButton } from "./CopyButton";
import { OUTCOMES } from "./outcomes";
import { RunLink } from "./RunLink";

export function FailureItem({ failure }: { failure: Failure }) {
  const { formats } = usePlace();
  const { failures } = useAllTexts();
  const { icon: Icon, ink } = OUTCOMES[failure.outcome];
  return (
    <li data-run={failure.executionId} className="border-t border-line first:border-t-0">
      <details className="group">
        <summary className="flex items-center gap-3 rounded-md py-2 text-sm hover:bg-sunken focus-visible:-outline-offset-2 pointer-coarse:py-3">
          <Icon className={`shrink-0 ${ink}`} />
          <span className="sr-only">{failures.outcomes[failure.outcome]}: </span>
          <span className="min-w-0 grow sm:flex sm:items-baseline sm:gap-3">
            <span className="block shrink-0 truncate font-medium sm:max-w-[40%]">{nameOf(failure)}</span>
            <span className="block min-w-0 truncate text-muted">
              {failure.errorMessage || failures.noMessage}
            </span>
          </span>
          <time dateTime={failure.finishedAt} className="shrink-0 text-xs text-muted">
            {formats.moment(failure.finishedAt)}
          </time>
          <ChevronDown className="size-3.5 shrink-0 text-muted transition-transform group-open:rotate-180 print:hidden" />
        </summary>
        <Details failure={failure} />
      </details>
    </li>
  );
}

function Details({ failure }: { failure: Failure }) {
  const { formats } = usePlace();
  const { failures } = useAllTexts();
  return (
    <div className="mb-3 ml-7 rounded-lg bg-sunken p-3 text-sm">
      {failure.errorMessage !== "" && (
        <p className="mb-3 font-mono text-xs wrap-anywhere whitespace-pre-wrap">{failure.errorMessage}</p>
      )}
      <dl className="grid grid-cols-[auto_1fr] items-baseline gap-x-4 gap-y-1.5 text-xs *:odd:text-muted">
        <dt>{failures.outcome}</dt>
        <dd>{failures.outcomes[failure.outcome]}</dd>
        <dt>{failures.run}</dt>
        <dd className="flex min-w-0 flex-wrap items-center gap-x-2">
          <span className="min-w-0 font-mono break-all">{failure.executionId}</span>
          <CopyButton text={failure.executionId} name={failures.copyId} />
          <RunLink run={failure} />
        </dd>
        <dt>{failures.workflow}</dt>
        <dd className="min-w-0 font-mono break-all">{failure.workflowId}</dd>
        <dt>{failures.took}</dt>
        <dd>{formats.duration(failure.executionTimeMs)}</dd>
        <dt>{failures.ended}</dt>
        <dd>{formats.exactly(failure.finishedAt)}</dd>
      </dl>
    </div>
  );
}
