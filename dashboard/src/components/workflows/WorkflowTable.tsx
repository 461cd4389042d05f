// The table of workflows: sortable by each column, a page at a time; a row's name limits the page to that workflow.

import { useState } from "react";
import type { WorkflowHealth } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { ROWS_PER_PAGE, useWorkflowPage } from "../../view/rowQuestions";
import { usePages } from "../../view/rowsPages";
import { usePlace } from "../../view/ViewContext";
import { ordered } from "../../view/workflowOrder";
import { PanelTrouble } from "../panel/PanelTrouble";
import { Pager } from "../parts/Pager";
import { WorkflowRows } from "./WorkflowRows";

/** `health` lists the workflows with most failures; all of them, unless it has a cursor. */
export function WorkflowTable({ health }: { health: WorkflowHealth }) {
  if (health.nextWorkflowsCursor === null) return <WholeTable health={health} />;
  return <PagedTable health={health} />;
}

/** All workflows are here, so they are sorted and paged here, and either way round. */
function WholeTable({ health }: { health: WorkflowHealth }) {
  const { view, change, formats } = usePlace();
  const { workflows, rows } = useAllTexts();
  // Of which sort the other direction is shown; another column begins with its own direction.
  const [reversedSort, setReversedSort] = useState<string | null>(null);
  const [page, setPage] = useState(0);
  const reversed = reversedSort === view.sort;
  const all = ordered(health.workflows, view.sort, reversed);
  const last = Math.max(0, Math.ceil(all.length / ROWS_PER_PAGE) - 1);
  const shown = Math.min(page, last);
  const first = shown * ROWS_PER_PAGE;
  const slice = all.slice(first, first + ROWS_PER_PAGE);
  return (
    <>
      <WorkflowRows
        workflows={slice}
        listed={all}
        totals={health.totals}
        reversed={reversed}
        onSort={(sort) => {
          setPage(0);
          setReversedSort(sort === view.sort && !reversed ? sort : null);
          change({ sort });
        }}
      />
      <Pager
        label={workflows.table}
        shown={rows.shown(
          formats.count(first + 1),
          formats.count(first + slice.length),
          formats.count(all.length),
        )}
        onPrevious={shown > 0 ? () => setPage(shown - 1) : null}
        onNext={shown < last ? () => setPage(shown + 1) : null}
      />
    </>
  );
}

/** There are more than an answer has, so each page is asked for. */
function PagedTable({ health }: { health: WorkflowHealth }) {
  const { view, change, formats } = usePlace();
  const { workflows, rows } = useAllTexts();
  // A cursor belongs to one range and one order.
  const pages = usePages(`${health.range.from} ${health.range.to} ${view.sort}`);
  const asked = useWorkflowPage(view.sort, pages.page);
  const { data, error, isPlaceholderData } = asked;
  if (data === undefined && error !== null) {
    return <PanelTrouble refusal={error} onRetry={() => void asked.refetch()} />;
  }
  // The overview has them by failures, so that order's first page is there at once.
  const known =
    view.sort === "failures" && pages.before === 0 ? health.workflows.slice(0, ROWS_PER_PAGE) : [];
  const listed = data?.body.workflows ?? known;
  const first = pages.before * ROWS_PER_PAGE;
  const next = data === undefined || isPlaceholderData ? null : data.body.nextWorkflowsCursor;
  return (
    <>
      <div
        className={`transition-opacity ${isPlaceholderData ? "opacity-50" : ""}`}
        aria-busy={isPlaceholderData}
      >
        <WorkflowRows
          workflows={listed}
          listed={listed}
          totals={health.totals}
          reversed={false}
          onSort={(sort) => change({ sort })}
        />
      </div>
      <Pager
        label={workflows.table}
        shown={rows.shown(formats.count(first + 1), formats.count(first + listed.length), null)}
        onPrevious={pages.onPrevious}
        onNext={pages.next(next, data?.body.range ?? health.range)}
      />
    </>
  );
}
