// The panel of failed runs, newest first, a page at a time.

import { useState } from "react";
import type { WorkflowHealth } from "../../api/answers";
import { type Asked, useFailures } from "../../view/questions";
import { Blank } from "../parts/Blank";
import { Panel } from "../panel/Panel";
import { Scroll } from "../parts/Scroll";
import { FailureItem } from "./FailureItem";

interface RecentFailuresProps {
  /** Its failures are the first page. */
  health: Asked<WorkflowHealth>;
}

export function RecentFailures({ health }: RecentFailuresProps) {
  // The cursor of each page after the first; new failures don't shift these pages.
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1) ?? null;
  const older = useFailures(cursor);
  const asked = cursor === null ? health : older;
  const next = asked.data?.body.nextCursor ?? null;
  const pager = (cursors.length > 0 || next !== null) && (
    <nav aria-label="Pages of failures" className="flex items-center gap-2 print:hidden">
      <span className="text-xs text-muted" aria-live="polite">
        Page {cursors.length + 1}
      </span>
      <PageButton words="Newer" to={cursors.length === 0 ? null : cursors.slice(0, -1)} onTurn={setCursors} />
      <PageButton words="Older" to={next === null ? null : [...cursors, next]} onTurn={setCursors} />
    </nav>
  );
  return (
    <Panel
      title="Recent failures"
      asked={asked}
      controls={pager}
      className="h-[28rem] lg:h-[26rem]"
      skeleton={<Skeleton />}
    >
      {({ recentFailures }) =>
        recentFailures.length === 0 ? (
          <Blank icon="check" title="No run failed in this period" />
        ) : (
          <Scroll label="Failed runs">
            <ul className="divide-y divide-line">
              {recentFailures.map((failure) => (
                <FailureItem key={failure.executionId} failure={failure} />
              ))}
            </ul>
          </Scroll>
        )
      }
    </Panel>
  );
}

interface PageButtonProps {
  words: string;
  /** The cursors of these pages; null if there is no such page. */
  to: readonly string[] | null;
  onTurn: (cursors: readonly string[]) => void;
}

function PageButton({ words, to, onTurn }: PageButtonProps) {
  return (
    <button
      type="button"
      className="control"
      disabled={to === null}
      onClick={() => to !== null && onTurn(to)}
    >
      {words}
    </button>
  );
}

function Skeleton() {
  return (
    <div className="flex flex-col gap-3 pt-2">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} className="skeleton h-10" />
      ))}
    </div>
  );
}
