// The runs of a group of failures, newest first, a page at a time.

import type { Failure, FailureGroup } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { RUNS_PER_PAGE, useFailures } from "../../view/rowQuestions";
import { usePages } from "../../view/rowsPages";
import { usePlace } from "../../view/ViewContext";
import { nameOf } from "../../view/workflowOrder";
import { PanelTrouble } from "../panel/PanelTrouble";
import { Pager } from "../parts/Pager";
import { CopyButton } from "./CopyButton";
import { OUTCOMES } from "./outcomes";
import { RunLink } from "./RunLink";

export function GroupRuns({ group }: { group: FailureGroup }) {
  const { view, formats } = usePlace();
  const { failures, rows } = useAllTexts();
  const pages = usePages(JSON.stringify([view.period, view.zone, view.granularity, view.workflow]));
  const asked = useFailures(group.key, pages.page);
  const { data, error, isPlaceholderData } = asked;
  if (data === undefined && error !== null) {
    return <PanelTrouble refusal={error} onRetry={() => void asked.refetch()} />;
  }
  if (data === undefined) return <Skeleton rows={Math.min(RUNS_PER_PAGE, group.count)} />;
  const { body } = data;
  const first = pages.before * RUNS_PER_PAGE;
  const differs = group.pattern !== group.message;
  return (
    <div className={`mb-3 rounded-lg bg-sunken px-3 py-1 ${isPlaceholderData ? "opacity-50" : ""}`}>
      {differs && (
        <p className="border-b border-line py-2 text-xs text-muted">
          {failures.alike} <span className="font-mono wrap-anywhere text-ink">{group.pattern}</span>
          {". "}
          {failures.alikeWhy}
        </p>
      )}
      <ul aria-label={failures.runs}>
        {body.failures.map((failure) => (
          <Run
            key={failure.executionId}
            failure={failure}
            ofSeveral={group.workflowCount > 1}
            message={differs ? failure.errorMessage : null}
          />
        ))}
      </ul>
      <Pager
        label={failures.runs}
        shown={rows.shown(
          formats.count(first + 1),
          formats.count(first + body.failures.length),
          formats.count(group.count),
        )}
        onPrevious={pages.onPrevious}
        onNext={isPlaceholderData ? null : pages.next(body.nextCursor, body.range)}
      />
    </div>
  );
}

interface RunProps {
  failure: Failure;
  /** The group is of several workflows, so the run says which is its own. */
  ofSeveral: boolean;
  /** Its own message; null if all of the group have the same. */
  message: string | null;
}

function Run({ failure, ofSeveral, message }: RunProps) {
  const { formats } = usePlace();
  const { failures } = useAllTexts();
  const { icon: Icon, ink } = OUTCOMES[failure.outcome];
  return (
    <li data-run={failure.executionId} className="border-t border-line py-1.5 text-sm first:border-t-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-0.5">
        <Icon className={`size-3.5 shrink-0 ${ink}`} />
        <span className="sr-only">{failures.outcomes[failure.outcome]}: </span>
        <time dateTime={failure.finishedAt} title={formats.exactly(failure.finishedAt)}>
          {formats.moment(failure.finishedAt)}
        </time>
        {ofSeveral && <span className="min-w-0 truncate font-medium">{nameOf(failure)}</span>}
        <span className="text-muted" title={failures.took}>
          {formats.duration(failure.executionTimeMs)}
        </span>
        <span className="flex min-w-0 items-center gap-x-1">
          <span className="min-w-0 font-mono text-xs break-all text-muted">{failure.executionId}</span>
          <CopyButton text={failure.executionId} name={failures.copyId} />
          <RunLink run={failure} />
        </span>
      </div>
      {message !== null && (
        <p className="mt-0.5 ml-6.5 line-clamp-3 text-xs wrap-anywhere text-muted">{message}</p>
      )}
    </li>
  );
}

function Skeleton({ rows }: { rows: number }) {
  return (
    <div className="mb-3 flex flex-col gap-2 rounded-lg bg-sunken p-3">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="skeleton h-5" />
      ))}
    </div>
  );
}
