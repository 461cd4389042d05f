// The panel with orders and payments over the range: a chart, or a table with the same numbers.

import { useMemo, useState } from "react";
import type { Granularity, Range, Trends } from "../../api/answers";
import type { Asked } from "../../view/questions";
import { isFlat, trendPoints } from "../../view/trendPoints";
import { usePlace } from "../../view/ViewContext";
import { Blank } from "../parts/Blank";
import { Panel } from "../panel/Panel";
import { Segmented } from "../parts/Segmented";
import { TrendLegend } from "./TrendLegend";
import { TrendLines } from "./TrendLines";
import { TrendTable } from "./TrendTable";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Shorter ranges have too few days to draw, longer ones too many hours. */
const DAILY_LENGTH_MIN_MS = 2 * DAY_MS;
const HOURLY_LENGTH_MAX_MS = 31 * DAY_MS;

const SHAPES = { chart: "Chart", table: "Table" } as const;
const WIDTHS: Readonly<Record<Granularity, string>> = { hour: "Hour", day: "Day" };

export function OrdersPaymentsTrendChart({ trends }: { trends: Asked<Trends> }) {
  const [shape, setShape] = useState<keyof typeof SHAPES>("chart");
  const { change } = usePlace();
  const range = trends.data?.body.range;
  return (
    <Panel
      title="Orders and payments"
      asked={trends}
      className="h-[26rem] lg:h-[27rem]"
      skeleton={<div className="skeleton mt-2 grow" />}
      controls={
        <div className="flex flex-wrap gap-2">
          {range !== undefined && hasChoice(range) && (
            <Segmented
              label="Width of a bucket"
              choices={WIDTHS}
              chosen={range.granularity}
              onChoose={(granularity) => change({ granularity })}
            />
          )}
          <Segmented label="Shown as" choices={SHAPES} chosen={shape} onChoose={setShape} />
        </div>
      }
    >
      {(body) => <Course body={body} shape={shape} />}
    </Panel>
  );
}

function Course({ body, shape }: { body: Trends; shape: keyof typeof SHAPES }) {
  const points = useMemo(() => trendPoints(body), [body]);
  if (shape === "table") return <TrendTable points={points} range={body.range} />;
  if (isFlat(points)) {
    return (
      <Blank icon="calendar" title="No orders and no payments in this period">
        They appear here within a second of being counted.
      </Blank>
    );
  }
  return (
    <>
      <TrendLegend points={points} />
      <TrendLines points={points} range={body.range} />
    </>
  );
}

function hasChoice({ from, to }: Range): boolean {
  const length = Date.parse(to) - Date.parse(from);
  return length >= DAILY_LENGTH_MIN_MS && length <= HOURLY_LENGTH_MAX_MS;
}
