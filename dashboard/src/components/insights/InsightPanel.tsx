// The panel of insights, or the reason why there are none.

import { Check, Info, SlidersHorizontal } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import type { Insights, Overview } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Asked } from "../../view/questions";
import { totalRecords } from "../../view/records";
import { useCsvCommand } from "../../view/rowsCsv";
import { judgedIn } from "../../view/rowsOwnRange";
import { useRights } from "../../view/rights";
import { usePlace } from "../../view/ViewContext";
import { OwnRange } from "../panel/OwnRange";
import { Panel } from "../panel/Panel";
import { Blank } from "../parts/Blank";
import { Remark } from "../parts/Remark";
import { ThresholdsOpened } from "../thresholds/ThresholdsOpened";
import { OfAllWorkflows } from "../workflows/OfWorkflow";
import { InsightItem } from "./InsightItem";

/** With fewer records than this in the range, "nothing stands out" would say too much. */
const RECORDS_MIN = 20;
/** So many are shown at first: the most severe come first. */
const SHOWN_FIRST = 4;

export function InsightPanel({ overview }: { overview: Asked<Overview> }) {
  const texts = useAllTexts();
  const { panels, thresholds, rows } = texts;
  const { formats } = usePlace();
  const answered = overview.data?.body;
  const [changing, setChanging] = useState(false);
  const csv = useCsvCommand(
    {
      id: "insights.csv",
      keys: "I",
      label: rows.csv.save,
      file: "insights",
      path: "/metrics/insights",
      query: {},
    },
    answered?.insights ?? null,
  );
  const { read, change } = useRights();
  const open = useCallback(() => setChanging(true), []);
  const { command } = csv;
  const words = change ? thresholds.command : thresholds.commandToSee;
  const menu = useMemo(() => {
    const judging = { id: "thresholds.open", label: words, keys: "x", icon: SlidersHorizontal, run: open };
    return read ? [command, judging] : [command];
  }, [read, command, words, open]);
  const judged =
    answered === undefined
      ? null
      : judgedIn(texts, formats, answered.insights.judged, answered.summary.range);
  return (
    <>
      <Panel
        name="insights"
        title={panels.insights}
        asked={overview}
        remark={<OfAllWorkflows />}
        menu={menu}
        skeleton={<Skeleton />}
      >
        {(body) => (
          <>
            <Remark words={csv.remark} />
            <OwnRange words={judged} />
            <Incomplete since={body.insights.incompleteSince} />
            {body.insights.insights.length === 0 ? (
              <Nothing records={totalRecords(body)} />
            ) : (
              <List insights={body.insights} />
            )}
          </>
        )}
      </Panel>
      {changing && <ThresholdsOpened onClose={() => setChanging(false)} />}
    </>
  );
}

function List({ insights: { insights } }: { insights: Insights }) {
  const texts = useAllTexts();
  const [all, setAll] = useState(false);
  const shown = all ? insights : insights.slice(0, SHOWN_FIRST);
  return (
    <>
      <ul aria-label={texts.insights.list}>
        {shown.map((insight) => (
          <InsightItem key={`${insight.key} ${insight.period.from}`} insight={insight} />
        ))}
      </ul>
      {insights.length > SHOWN_FIRST && (
        <div className="border-t border-line pt-3 print:hidden">
          <button type="button" className="control" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? texts.insights.showFewer : texts.insights.showAll(insights.length)}
          </button>
        </div>
      )}
    </>
  );
}

/** Says so if records may be missing; `undefined` if none are. */
function Incomplete({ since }: { since: string | null | undefined }) {
  const { formats } = usePlace();
  const { insights } = useAllTexts();
  if (since === undefined) return null;
  return (
    <p className="pt-1 pb-2 text-sm text-muted">
      {since === null ? insights.incompleteUnknown : insights.incomplete(formats.moment(since))}
    </p>
  );
}

function Nothing({ records }: { records: number }) {
  const { insights } = useAllTexts();
  if (records < RECORDS_MIN) {
    return (
      <Blank icon={Info} title={insights.tooFew}>
        {insights.tooFewWhy(records)}
      </Blank>
    );
  }
  return (
    <Blank icon={Check} title={insights.none}>
      {insights.noneWhy}
    </Blank>
  );
}

function Skeleton() {
  return (
    <div className="flex flex-col gap-3 pt-1">
      {Array.from({ length: 2 }, (_, index) => (
        <div key={index} className="skeleton h-24" />
      ))}
    </div>
  );
}
