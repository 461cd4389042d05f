// The trend chart's grid and labels, and the shading of the bucket that is still open.

import { memo } from "react";
import type { Range } from "../../api/answers";
import { labelled, type TrendPoint } from "../../view/trendPoints";
import { usePlace, useRangeFormats } from "../../view/ViewContext";
import { wallOf } from "../../view/zone";
import { zoneOfDays } from "../../view/formats";
import type { Plot } from "./plot";

/** The width of a label on the time axis, in pixels at 16 pixels per rem. */
const LABEL_WIDTH = 72;

interface TrendAxesProps {
  plot: Plot;
  points: readonly TrendPoint[];
  range: Range;
}

/** Memoized: it is drawn again when the numbers change, not when the crosshair moves. */
export const TrendAxes = memo(function TrendAxes({ plot, points, range }: TrendAxesProps) {
  const { x, y, counts, left, right, top, bottom, unit } = plot;
  const { view } = usePlace();
  const formats = useRangeFormats(range);
  const zone = range.granularity === "day" ? zoneOfDays(range) : view.zone;
  const most = Math.max(2, Math.floor((right - left) / (LABEL_WIDTH * unit)));
  return (
    <g className="fill-muted text-xs">
      {counts.map((count) => (
        <g key={count}>
          <line
            x1={left}
            x2={right}
            y1={y(count)}
            y2={y(count)}
            className={count === 0 ? "stroke-line-strong" : "stroke-line"}
          />
          <text x={left - 8 * unit} y={y(count)} dy="0.32em" textAnchor="end">
            {formats.compact(count)}
          </text>
        </g>
      ))}
      {labelled(points, range.granularity, zone, most).map((index) => (
        <text
          key={index}
          x={x(index)}
          y={bottom + 18 * unit}
          textAnchor={index === 0 ? "start" : index === points.length - 1 && index > 0 ? "end" : "middle"}
        >
          {labelOf(points[index]?.start ?? "", range, zone, formats)}
        </text>
      ))}
      {points.at(-1)?.open === true && points.length > 1 && (
        <g>
          <rect
            x={x(points.length - 2)}
            y={top}
            width={x(points.length - 1) - x(points.length - 2)}
            height={bottom - top}
            className="fill-muted"
            fillOpacity={0.08}
          />
          <text x={right} y={top - 6 * unit} textAnchor="end">
            still open
          </text>
        </g>
      )}
    </g>
  );
});

/** The time of day; at midnight, the date. */
function labelOf(
  start: string,
  range: Range,
  zone: string,
  formats: ReturnType<typeof useRangeFormats>,
): string {
  const midnight = range.granularity === "hour" && wallOf(zone, new Date(start)).endsWith("T00:00");
  return formats.tick(start, midnight ? "day" : range.granularity);
}
