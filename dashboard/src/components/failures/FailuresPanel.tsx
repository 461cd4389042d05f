// The panel of failures: by message, each with its runs, or run by run.

import { CircleCheck, CircleDashed, Link2 } from "lucide-react";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import type { FailureGroups, Failures, Overview } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Asked } from "../../view/questions";
import { ROWS_PER_PAGE, ROWS_PER_REQUEST, useFailureGroups, useFailures } from "../../view/rowQuestions";
import { useCsvCommand } from "../../view/rowsCsv";
import { type Pages, usePages } from "../../view/rowsPages";
import { useRights } from "../../view/rights";
import { usePlace } from "../../view/ViewContext";
import { OwnRange } from "../panel/OwnRange";
import { Panel } from "../panel/Panel";
import { useOwnRange } from "../panel/useOwnRange";
import { Blank } from "../parts/Blank";
import { Pager } from "../parts/Pager";
import { Remark } from "../parts/Remark";
import { Segmented } from "../parts/Segmented";
import { OfWorkflow } from "../workflows/OfWorkflow";
import { FailureItem } from "./FailureItem";
import { GroupItem } from "./GroupItem";

const RunLinkDialog = lazy(() => import("./RunLinkDialog"));

type By = "message" | "run";

/** The overview says whether anything ran at all. */
export function FailuresPanel({ overview }: { overview: Asked<Overview> }) {
  const { view } = usePlace();
  const { failures, panels } = useAllTexts();
  const [by, setBy] = useState<By>("message");
  const [linking, setLinking] = useState(false);
  const pages = usePages(JSON.stringify([by, view.period, view.zone, view.granularity, view.workflow]));
  const groups = useFailureGroups(by === "message" ? pages.page : null, by === "message");
  const runs = useFailures(null, by === "run" ? pages.page : null, by === "run");
  const asked = (by === "message" ? groups : runs) as Asked<FailureGroups | Failures>;
  const link = useCallback(() => setLinking(true), []);
  const { csv, menu } = useMenu(by, asked.data?.body ?? null, link);
  const ownRange = useOwnRange(overview, asked.isPlaceholderData ? undefined : asked.data?.body);
  const nothingRan = overview.data?.body.workflowHealth.totals.total === 0;
  return (
    <>
      <Panel
        name="failures"
        title={panels.failures}
        asked={asked}
        remark={<OfWorkflow overview={overview} />}
        controls={<Segmented label={failures.by} choices={failures.bys} chosen={by} onChoose={setBy} />}
        menu={menu}
        skeleton={<Skeleton />}
      >
        {(body) => (
          <>
            <Remark words={csv.remark} />
            <OwnRange words={ownRange} />
            {isNone(body) ? (
              <None counted={"failed" in body ? body.failed : 0} nothingRan={nothingRan} />
            ) : "groups" in body ? (
              <Groups body={body} pages={pages} isOld={asked.isPlaceholderData} />
            ) : (
              <Runs body={body} pages={pages} isOld={asked.isPlaceholderData} />
            )}
          </>
        )}
      </Panel>
      {linking && (
        <Suspense fallback={null}>
          <RunLinkDialog example={exampleOf(asked.data?.body)} onClose={() => setLinking(false)} />
        </Suspense>
      )}
    </>
  );
}

/** What can be done with the list that is shown. */
function useMenu(by: By, shown: FailureGroups | Failures | null, link: () => void) {
  const { view } = usePlace();
  const { failures, rows } = useAllTexts();
  const { change } = useRights();
  const csv = useCsvCommand(
    {
      id: "failures.csv",
      keys: "F",
      label: rows.csv.save,
      file: by === "message" ? "failures-by-message" : "failed-runs",
      path: by === "message" ? "/metrics/failure-groups" : "/metrics/failures",
      query: { workflow: view.workflow, limit: ROWS_PER_REQUEST },
    },
    shown,
  );
  const { command } = csv;
  const words = failures.link.command;
  const menu = useMemo(() => {
    const linking = { id: "failures.link", label: words, icon: Link2, run: link };
    return change ? [command, linking] : [command];
  }, [change, command, words, link]);
  return { csv, menu };
}

function isNone(body: FailureGroups | Failures): boolean {
  return ("groups" in body ? body.groups : body.failures).length === 0;
}

/** A run that an address can be tried with; null if none is shown. */
function exampleOf(body: FailureGroups | Failures | undefined) {
  if (body === undefined) return null;
  if (!("groups" in body)) return body.failures[0] ?? null;
  const [group] = body.groups;
  const [workflow] = group?.workflows ?? [];
  if (group === undefined || workflow === undefined) return null;
  return { executionId: group.executionId, workflowId: workflow.workflowId };
}

interface ListProps<Body> {
  body: Body;
  pages: Pages;
  /** It is the page of before: the next one is awaited. */
  isOld: boolean;
}

function Groups({ body, pages, isOld }: ListProps<FailureGroups>) {
  const { formats } = usePlace();
  const { failures, rows } = useAllTexts();
  const { groups, grouped, failed, groupedFrom, nextCursor, range } = body;
  const first = pages.before * ROWS_PER_PAGE;
  return (
    <>
      <ul aria-label={failures.groups}>
        {groups.map((group) => (
          <GroupItem key={group.key} group={group} grouped={grouped} />
        ))}
      </ul>
      {groupedFrom !== undefined && (
        <p className="border-t border-line pt-2 text-xs text-muted">
          {failures.partly(formats.count(grouped), formats.count(failed), formats.moment(groupedFrom))}
        </p>
      )}
      <Pager
        label={failures.groups}
        shown={rows.shown(formats.count(first + 1), formats.count(first + groups.length), null)}
        onPrevious={pages.onPrevious}
        onNext={isOld ? null : pages.next(nextCursor, range)}
      />
    </>
  );
}

function Runs({ body, pages, isOld }: ListProps<Failures>) {
  const { formats } = usePlace();
  const { failures, rows } = useAllTexts();
  const first = pages.before * ROWS_PER_PAGE;
  return (
    <>
      <ul aria-label={failures.runs}>
        {body.failures.map((failure) => (
          <FailureItem key={failure.executionId} failure={failure} />
        ))}
      </ul>
      <Pager
        label={failures.runs}
        shown={rows.shown(formats.count(first + 1), formats.count(first + body.failures.length), null)}
        onPrevious={pages.onPrevious}
        onNext={isOld ? null : pages.next(body.nextCursor, body.range)}
      />
    </>
  );
}

interface NoneProps {
  /** How many failures are counted nevertheless. */
  counted: number;
  /** No workflow finished, so that none failed says nothing. */
  nothingRan: boolean;
}

function None({ counted, nothingRan }: NoneProps) {
  const { view, formats } = usePlace();
  const { failures, workflows } = useAllTexts();
  if (nothingRan) return <Blank icon={CircleDashed} title={workflows.none} />;
  const title = view.workflow === null ? failures.none : failures.noneOfOne;
  if (counted === 0) return <Blank icon={CircleCheck} title={title} />;
  return <Blank icon={CircleDashed} title={failures.notKept(formats.count(counted))} />;
}

function Skeleton() {
  return (
    <div className="flex flex-col gap-3 pt-1">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} className="skeleton h-10" />
      ))}
    </div>
  );
}
