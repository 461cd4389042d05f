// The numbers of the bucket under the crosshair, or of the selection. Screen readers get them from the slider.

import type { ReactNode } from "react";
import { useAllTexts } from "../../texts/useAllTexts";
import type { Measured } from "../../view/chartOfMetric";
import type { Plot } from "../../view/chartOfPlot";
import { measuredIn, opensBuckets, selectedInterval, type Selection } from "../../view/chartOfSelection";
import { partlyIn, partsIn, valueIn, whenIn } from "../../view/chartOfWords";
import { wordsOf } from "../../view/rowsInsights";
import type { TrendPoint } from "../../view/trendPoints";
import type { Trend } from "./useTrend";

interface TrendTooltipProps {
  trend: Trend;
  plot: Plot;
  active: number;
  selection: Selection | null;
}

/** The widest that it gets, in units. */
const WIDTH = 260;
const AWAY = 12;
/** The middle of a wider bucket is what it is beside. */
const BUCKET_MAX = 36;

export function TrendTooltip({ trend, plot, active, selection }: TrendTooltipProps) {
  const point = trend.points[active];
  if (point === undefined) return null;
  const x = plot.x(active);
  // Beside the bucket; on a narrow chart over it, but always within the chart.
  const away = Math.min(plot.step / 2, BUCKET_MAX * plot.unit) + AWAY * plot.unit;
  const room = away + WIDTH * plot.unit;
  const share = (x - plot.left) / (plot.right - plot.left);
  const transform =
    x + room < plot.width
      ? `translateX(${away}px)`
      : x > room
        ? `translateX(calc(-100% - ${away}px))`
        : `translateX(${-100 * share}%)`;
  return (
    <div
      aria-hidden="true"
      data-tooltip
      className="pointer-events-none absolute top-1 z-10 w-max max-w-65 rounded-lg bg-raised px-3 py-2 text-xs shadow-float print:hidden forced-colors:border"
      style={{ left: x, transform }}
    >
      {selection === null ? (
        <Bucket trend={trend} point={point} />
      ) : (
        <Selected trend={trend} selection={selection} />
      )}
    </div>
  );
}

function Bucket({ trend, point }: { trend: Trend; point: TrendPoint }) {
  const { range, comparison, uncovered, metric, name, speech, insights } = trend;
  const { trend: words } = speech.texts;
  const texts = useAllTexts();
  const { before } = point;
  const about = insights.filter(({ period }) => period.from < point.to && period.to > point.from);
  return (
    <>
      <p className="font-medium whitespace-nowrap">
        <time dateTime={point.from}>{speech.formats.bucket(point.from, range.granularity)}</time>
        {point.open && <span className="font-normal text-muted"> · {words.open}</span>}
      </p>
      <dl className="mt-1.5 flex flex-col gap-1.5">
        <Numbers trend={trend} label={name} measured={point} />
        {metric.percentiles.map(({ name: key, label }, index) => {
          const value = point.percentiles[index] ?? null;
          return value === null ? null : (
            <Row key={key} label={words.percentile(label)} value={speech.formats.rounded(value)} />
          );
        })}
        {before !== null && comparison !== null && (
          <Numbers
            trend={trend}
            label={point.open ? words.sameTimeBefore : words.before}
            measured={before}
            when={
              <>
                <time dateTime={before.from}>{whenIn(speech, before, range, comparison)}</time>
                <span className="block">{partlyIn(speech, before, uncovered)}</span>
              </>
            }
          />
        )}
      </dl>
      {opensBuckets(range) && (
        <p className="mt-1.5 text-muted pointer-coarse:hidden">{texts.chart.opensDay}</p>
      )}
      {about.map((insight) => (
        <p key={insight.key} className="mt-1.5 border-t border-line pt-1.5 text-balance">
          {wordsOf(insight, texts, speech.formats).title}
        </p>
      ))}
    </>
  );
}

function Selected({ trend, selection }: { trend: Trend; selection: Selection }) {
  const { points, metric, range, name, speech } = trend;
  const interval = selectedInterval(points, selection);
  return (
    <>
      {interval !== null && (
        <p className="font-medium">{speech.formats.range({ ...interval, granularity: range.granularity })}</p>
      )}
      <dl className="mt-1.5 flex flex-col gap-1.5">
        <Numbers trend={trend} label={name} measured={measuredIn(points, selection, metric)} />
      </dl>
    </>
  );
}

interface NumbersProps {
  trend: Trend;
  label: string;
  measured: Measured;
  when?: ReactNode;
}

function Numbers({ trend, label, measured, when }: NumbersProps) {
  const parts = partsIn(trend.speech, measured, trend.metric);
  return (
    <Row label={label} value={valueIn(trend.speech, measured.value, trend.metric)}>
      {parts !== null && <span className="block text-right text-muted">{parts}</span>}
      {when !== undefined && <span className="block text-muted">{when}</span>}
    </Row>
  );
}

function Row({ label, value, children }: { label: string; value: string; children?: ReactNode }) {
  return (
    <div>
      <div className="flex items-baseline justify-between gap-x-4">
        <dt className="text-muted">{label}</dt>
        <dd className="text-right font-medium">{value}</dd>
      </div>
      {children}
    </div>
  );
}
