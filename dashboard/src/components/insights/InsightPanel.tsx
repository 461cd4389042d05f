// The panel of insights, or the reason why there are none.

import type { Insights } from "../../api/answers";
import type { Asked } from "../../view/questions";
import { usePlace } from "../../view/ViewContext";
import { Blank } from "../parts/Blank";
import { Panel } from "../panel/Panel";
import { PanelFrame } from "../panel/PanelFrame";
import { Scroll } from "../parts/Scroll";
import { InsightItem } from "./InsightItem";

/** With fewer records than this in the range, "nothing stands out" would say too much. */
const RECORDS_MIN = 20;

const FRAME = { title: "Insights", className: "h-[28rem] lg:h-[26rem]" };

interface InsightPanelProps {
  insights: Asked<Insights>;
  /** The number of records counted in the range; null while unknown. */
  counted: number | null;
}

export function InsightPanel({ insights, counted }: InsightPanelProps) {
  // An API older than the page has no insights: that is no failure, and asking again doesn't help.
  if (insights.error?.kind === "absent") {
    return (
      <PanelFrame {...FRAME}>
        <Blank icon="info" title="Insights aren’t available">
          This query API doesn’t offer them yet.
        </Blank>
      </PanelFrame>
    );
  }
  return (
    <Panel {...FRAME} asked={insights} skeleton={<Skeleton />}>
      {(body) =>
        body.insights.length === 0 ? (
          <>
            <Incomplete since={body.incompleteSince} />
            <Nothing counted={counted} />
          </>
        ) : (
          <Scroll label="List of insights">
            <Incomplete since={body.incompleteSince} />
            <ul className="divide-y divide-line">
              {body.insights.map((insight) => (
                <InsightItem key={`${insight.key} ${insight.period.from}`} insight={insight} />
              ))}
            </ul>
          </Scroll>
        )
      }
    </Panel>
  );
}

/** Says so if records may be missing; `undefined` if none are. */
function Incomplete({ since }: { since: string | null | undefined }) {
  const { formats } = usePlace();
  if (since === undefined) return null;
  return (
    <p className="pt-1 pb-2 text-sm text-muted">
      {since === null ? "Some records" : `Some records since ${formats.moment(since)}`} may be missing.
    </p>
  );
}

function Nothing({ counted }: { counted: number | null }) {
  if (counted !== null && counted < RECORDS_MIN) {
    return (
      <Blank icon="info" title="Too little data to say something">
        {counted === 0 ? "Nothing was" : `Only ${counted} records were`} counted in this period. A longer
        period may show more.
      </Blank>
    );
  }
  return (
    <Blank icon="check" title="Nothing stands out">
      Nothing in this period differs much from the organization’s own history, as far as there is one.
    </Blank>
  );
}

function Skeleton() {
  return (
    <div className="flex flex-col gap-3 pt-2">
      {Array.from({ length: 3 }, (_, index) => (
        <div key={index} className="skeleton h-24" />
      ))}
    </div>
  );
}
