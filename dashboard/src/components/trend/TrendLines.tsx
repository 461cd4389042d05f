// The lines of the trend chart, and the crosshair that mouse, finger and arrow keys move over it.
//
// To a screen reader the chart is a slider over the buckets that announces each bucket's numbers.

import { localPoint } from "@visx/event";
import { useParentSize } from "@visx/responsive";
import { type KeyboardEvent, type PointerEvent, useMemo, useState } from "react";
import type { Range } from "../../api/answers";
import type { TrendPoint } from "../../view/trendPoints";
import { useRangeFormats } from "../../view/ViewContext";
import { plotOf } from "./plot";
import { TrendAxes } from "./TrendAxes";
import { TrendSeries } from "./TrendSeries";
import { TrendTooltip } from "./TrendTooltip";

interface TrendLinesProps {
  points: readonly TrendPoint[];
  range: Range;
}

export function TrendLines({ points, range }: TrendLinesProps) {
  const { parentRef, width, height } = useParentSize({ debounceTime: 50 });
  const [active, setActive] = useState<number | null>(null);
  const formats = useRangeFormats(range);
  const last = points.length - 1;
  const shown = active === null ? null : Math.min(active, last);
  const plot = useMemo(() => plotOf(points, width, height), [points, width, height]);
  const point = (event: PointerEvent<HTMLDivElement>) => {
    const at = localPoint(event.currentTarget, event);
    if (at === null) return;
    const share = (at.x - plot.left) / Math.max(1, plot.right - plot.left);
    setActive(Math.round(Math.min(1, Math.max(0, share)) * last));
  };
  const press = (event: KeyboardEvent) => {
    const next = stepped(event.key, shown ?? last, last);
    if (next === null) return;
    event.preventDefault();
    setActive(next);
  };
  const spoken = points[shown ?? last];
  return (
    <div ref={parentRef} className="relative min-h-0 grow">
      <div
        role="slider"
        tabIndex={0}
        aria-label="Orders and payments by time; move with the arrow keys"
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={shown ?? last}
        aria-valuetext={
          spoken && wordsOf(spoken, formats.bucket(spoken.start, range.granularity), formats.count)
        }
        className="absolute inset-0 touch-pan-y rounded-lg"
        onKeyDown={press}
        onFocus={(event) => event.currentTarget.matches(":focus-visible") && setActive(shown ?? last)}
        onBlur={() => setActive(null)}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => setActive(null)}
      >
        {width > 0 && height > 0 && (
          <svg width={width} height={height} className="block" aria-hidden="true">
            <TrendAxes plot={plot} points={points} range={range} />
            <TrendSeries plot={plot} points={points} active={shown} />
          </svg>
        )}
        {shown !== null && width > 0 && (
          <TrendTooltip plot={plot} points={points} active={shown} range={range} />
        )}
      </div>
    </div>
  );
}

/** The index that a key moves to from `from`; null for a key that moves nothing. */
function stepped(key: string, from: number, last: number): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: from - 1,
    ArrowDown: from - 1,
    ArrowRight: from + 1,
    ArrowUp: from + 1,
    PageDown: from - 7,
    PageUp: from + 7,
    Home: 0,
    End: last,
  };
  const to = steps[key];
  return to === undefined ? null : Math.min(last, Math.max(0, to));
}

function wordsOf(point: TrendPoint, bucket: string, count: (value: number) => string): string {
  const { orders, payments, before, open } = point;
  const then =
    before === null ? "" : `; before: ${count(before.orders)} orders, ${count(before.payments)} payments`;
  return `${bucket}${open ? ", still open" : ""}: ${count(orders)} orders, ${count(payments)} payments${then}`;
}
