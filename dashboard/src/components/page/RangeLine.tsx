// The range that the numbers are of, as the API answered it, and how fresh they are. The range chosen may be another.

import { TriangleAlert } from "lucide-react";
import { useTexts } from "../../texts/TextsContext";
import { completeThroughOf } from "../../view/overview";
import type { Asked } from "../../view/questions";
import { type Deviation, deviationOf } from "../../view/rangeShown";
import { emptyIn } from "../../view/records";
import { usePlace, useRangeFormats } from "../../view/ViewContext";
import type { Overview, Range } from "../../api/answers";
import { Freshness } from "./Freshness";

export function RangeLine({ overview }: { overview: Asked<Overview> }) {
  const { page } = useTexts();
  const { data, isPlaceholderData } = overview;
  return (
    <div
      role="group"
      aria-label={page.range}
      className={`flex min-h-9 flex-wrap content-start items-center justify-between gap-x-4 gap-y-0.5 text-xs text-muted sm:min-h-5 print:min-h-0 ${isPlaceholderData ? "opacity-50" : ""}`}
    >
      {data === undefined ? (
        <div className="skeleton h-3.5 w-64 max-w-full" />
      ) : (
        <>
          <Shown
            range={data.body.summary.range}
            deviation={deviationOf(data.requested, data.body.summary.range)}
          />
          <div className="flex flex-wrap items-center gap-x-4">
            <Freshness completeThrough={completeThroughOf(data.body)} range={data.body.summary.range} />
            <Empty trends={data.body.trends} />
          </div>
        </>
      )}
    </div>
  );
}

function Shown({ range, deviation }: { range: Range; deviation: Deviation }) {
  const { view } = usePlace();
  const { page } = useTexts();
  const formats = useRangeFormats(range);
  return (
    <p className="flex flex-wrap items-center gap-x-2">
      <span data-range className="font-medium text-ink">
        {formats.range(range)}
      </span>
      <span>
        {page.by[range.granularity]}
        {range.granularity === "day" && range.timezone !== view.zone && ` (${range.timezone})`}
      </span>
      {/* On the screen the button beside it says the zone. */}
      <span className="hidden print:inline">{view.zone}</span>
      {deviation !== null && <Warning deviation={deviation} />}
    </p>
  );
}

/** What "complete" says nothing about: where the range has no record, perhaps nobody had begun to report any. */
function Empty({ trends }: Pick<Overview, "trends">) {
  const texts = useTexts();
  const empty = emptyIn(texts, useRangeFormats(trends.range), trends);
  return empty !== null && <span title={texts.page.emptyWhy}>{empty}</span>;
}

function Warning({ deviation }: { deviation: NonNullable<Deviation> }) {
  const { formats } = usePlace();
  const { page } = useTexts();
  const limited = deviation.kind === "limited";
  return (
    <span
      role="note"
      data-deviation={deviation.kind}
      title={limited ? page.limitedWhy : undefined}
      className="inline-flex items-center gap-1 font-medium text-warning"
    >
      <TriangleAlert className="size-3.5" />
      {limited ? page.limited(formats.count(deviation.days)) : page.moved}
    </span>
  );
}
