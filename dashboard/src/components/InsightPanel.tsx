// What stands out, or why nothing is said.

import type { Insights } from "../api/answers";
import type { Asked } from "../api/questions";
import { Blank } from "./Blank";
import { InsightItem } from "./InsightItem";
import { Panel } from "./Panel";
import { PanelFrame } from "./PanelFrame";
import { Scroll } from "./Scroll";

/** With fewer records than this in the range the thresholds don't judge either. */
const TELLING_MIN = 20;

const FRAME = { title: "Insights", className: "h-[28rem] lg:h-[26rem]" };

interface InsightPanelProps {
  insights: Asked<Insights>;
  /** How many records were counted in the range; null while unknown. */
  counted: number | null;
}

export function InsightPanel({ insights, counted }: InsightPanelProps) {
  // An API older than the page: that is no failure, and asking again is no use.
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
          <Nothing counted={counted} />
        ) : (
          <Scroll label="List of insights">
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

function Nothing({ counted }: { counted: number | null }) {
  if (counted !== null && counted < TELLING_MIN) {
    return (
      <Blank icon="info" title="Too little data to say something">
        {counted === 0 ? "Nothing was" : `Only ${counted} records were`} counted in this period. A longer one
        may tell more.
      </Blank>
    );
  }
  return (
    <Blank icon="check" title="Nothing stands out">
      Nothing in this period is far from what is usual, as far as there is a past to know it from.
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
