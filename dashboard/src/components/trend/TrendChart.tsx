// The trend chart: its legend, its drawing, and the crosshair that mouse, finger and arrow keys move over it.
//
// To a screen reader the chart is a slider over the buckets that announces each bucket's numbers. On paper it is a
// drawing of its own, because the one on the screen is made for the screen's width.

import { ZoomIn } from "lucide-react";
import { lazy, type PointerEvent, Suspense, useId, useMemo } from "react";
import { useTexts } from "../../texts/TextsContext";
import { legendOf } from "../../view/chartOfLegend";
import type { Size } from "../../view/chartOfPlot";
import { measuredIn, opensBuckets, selectedInterval, type Selection } from "../../view/chartOfSelection";
import { pointIn, valueIn } from "../../view/chartOfWords";
import { Crosshair } from "./Crosshair";
import { Marks } from "./Marks";
import { TrendLegend } from "./TrendLegend";
import { useDrawing } from "./useDrawing";
import { useSelection } from "./useSelection";
import { type Measured, useSize } from "./useSize";
import type { Trend } from "./useTrend";

const TrendTooltip = lazy(async () => ({ default: (await import("./TrendTooltip")).TrendTooltip }));

/** Of legend and drawing together, so that a longer legend moves nothing below. */
const LEAST_HEIGHT = "min-h-88 lg:min-h-96 print:block print:min-h-0";
/** On paper, in units. */
const PAPER = { width: 720, height: 260, unit: 1 } as const;
/** A legend of one line and what is below it, and the least height of the drawing, in units. */
const LEGEND = 32;
const DRAWING_MIN = 208;

interface TrendChartProps {
  trend: Trend;
  /** The room of legend and drawing together; 0 if it isn't known. */
  room: Measured;
  percentiles: boolean;
  onPercentiles: (drawn: boolean) => void;
  onZoom: (selection: Selection) => void;
}

export function TrendChart({ trend, room, percentiles, onPercentiles, onZoom }: TrendChartProps) {
  const { name, points, metric, limits, range, comparison, uncovered, speech } = trend;
  const { trend: texts } = useTexts();
  const keysId = useId();
  const isExpected = room.width > 0;
  const [sized, { width, height }] = useSize(!isExpected);
  const measured = width > 0 && height > 0;
  const size = useMemo(
    () => (measured ? { width, height, unit: unitOf() } : isExpected ? expectedIn(room) : PAPER),
    [measured, width, height, isExpected, room],
  );
  const screen = useDrawing(trend, percentiles, size);
  const paper = useDrawing(trend, percentiles, PAPER);
  const last = points.length - 1;
  const indexAt = ({ clientX, currentTarget }: PointerEvent<HTMLElement>) =>
    screen.plot.indexAt(clientX - currentTarget.getBoundingClientRect().left);
  const opens = opensBuckets(range);
  const { active, selection, offered, handlers, clear } = useSelection(last, indexAt, onZoom, opens);
  const legend = useMemo(
    () => legendOf(speech, { name, points, metric, range, comparison, uncovered, limits, plot: screen.plot }),
    [speech, name, points, metric, range, comparison, uncovered, limits, screen.plot],
  );
  const spoken = points[active ?? last];
  const written = (some: Selection | null) => {
    const interval = some && selectedInterval(points, some);
    return interval && speech.formats.range({ ...interval, granularity: range.granularity });
  };
  const [chosenRange, offeredRange] = [written(selection), written(offered)];
  return (
    <div className={`flex flex-col ${LEAST_HEIGHT}`}>
      <TrendLegend
        trend={trend}
        items={legend}
        percentiles={metric.percentiles.length === 0 ? null : percentiles}
        onPercentiles={onPercentiles}
      />
      <div ref={sized} className="relative min-h-52 grow basis-0 print:min-h-0 print:basis-auto">
        <p id={keysId} hidden>
          {texts.keys}
        </p>
        <div
          role="slider"
          tabIndex={0}
          aria-label={texts.slider(name)}
          aria-describedby={keysId}
          aria-valuemin={0}
          aria-valuemax={last}
          aria-valuenow={active ?? last}
          aria-valuetext={
            selection !== null && chosenRange !== null
              ? texts.selected(
                  chosenRange,
                  valueIn(speech, measuredIn(points, selection, metric).value, metric),
                )
              : spoken && pointIn(speech, spoken, { metric, range, comparison, uncovered })
          }
          className={`absolute inset-0 ${opens ? "cursor-pointer" : "cursor-crosshair"} touch-pan-y touch-pinch-zoom rounded-lg select-none print:hidden`}
          {...handlers}
        >
          {(measured || isExpected) && (
            <svg
              {...(measured ? { width, height } : stretched(size))}
              className="block overflow-visible"
              aria-hidden="true"
              data-for="screen"
            >
              <Marks marks={screen.marks} unit={screen.plot.unit} />
              <Crosshair
                plot={screen.plot}
                points={points}
                metric={metric}
                active={active}
                selection={selection}
              />
            </svg>
          )}
          {measured && active !== null && (
            <Suspense>
              <TrendTooltip trend={trend} plot={screen.plot} active={active} selection={selection} />
            </Suspense>
          )}
        </div>
        {offered !== null && offeredRange !== null && (
          <div className="pointer-events-none absolute inset-x-0 bottom-8 flex justify-center print:hidden">
            <button
              type="button"
              className="control pointer-events-auto max-w-full shadow-float"
              onClick={() => {
                clear();
                onZoom(offered);
              }}
            >
              <ZoomIn />
              <span className="truncate">{texts.zoomIn(offeredRange)}</span>
            </button>
          </div>
        )}
        <svg
          viewBox={`0 0 ${PAPER.width} ${PAPER.height}`}
          className="hidden w-full overflow-visible print:block"
          aria-hidden="true"
          data-for="print"
        >
          <Marks marks={paper.marks} unit={PAPER.unit} />
        </svg>
      </div>
    </div>
  );
}

/** What will mostly be measured: only a legend of several lines takes more of the room. */
function expectedIn({ width, height }: Measured): Size {
  const unit = unitOf();
  return { width, height: Math.max(DRAWING_MIN * unit, height - LEGEND * unit), unit };
}

/** Until it is measured, for a frame, a drawing fits its place whatever size that has. */
function stretched({ width, height }: Size) {
  return {
    width: "100%",
    height: "100%",
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: "none",
  };
}

/** Pixels per rem, divided by 16: the drawing grows with the text. */
function unitOf(): number {
  return (Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;
}
