// What the crosshair points at, and what is selected, over the trend chart's drawing.

import type { Metric } from "../../view/chartOfMetric";
import type { Plot } from "../../view/chartOfPlot";
import { endsOf, type Selection } from "../../view/chartOfSelection";
import type { TrendPoint } from "../../view/trendPoints";

interface CrosshairProps {
  plot: Plot;
  points: readonly TrendPoint[];
  metric: Metric;
  active: number | null;
  selection: Selection | null;
}

export function Crosshair({ plot, points, metric, active, selection }: CrosshairProps) {
  const { top, bottom, step, unit, x, y } = plot;
  const value = active === null ? null : (points[active]?.value ?? null);
  return (
    <g className="text-ink forced-colors:text-[Highlight]">
      {active !== null && selection === null && (
        <rect
          x={x(active) - Math.max(step, unit) / 2}
          y={top}
          width={Math.max(step, unit)}
          height={bottom - top}
          fill="currentColor"
          fillOpacity={0.07}
        />
      )}
      {active !== null && metric.drawing === "line" && (
        <>
          <path
            d={`M${x(active)} ${top}V${bottom}`}
            stroke="currentColor"
            strokeOpacity={0.5}
            strokeWidth={unit}
          />
          {value !== null && (
            <circle
              cx={x(active)}
              cy={y(value)}
              r={4.5 * unit}
              className="fill-accent forced-colors:fill-[Highlight]"
              stroke="var(--surface)"
              strokeWidth={2 * unit}
            />
          )}
        </>
      )}
      {selection !== null && <Selected plot={plot} selection={selection} />}
    </g>
  );
}

function Selected({ plot, selection }: { plot: Plot; selection: Selection }) {
  const { top, bottom, step, unit, x } = plot;
  const [first, last] = endsOf(selection);
  const [start, end] = [x(first) - step / 2, x(last) + step / 2];
  return (
    <g className="text-accent forced-colors:text-[Highlight]" data-selection>
      <rect
        x={start}
        y={top}
        width={end - start}
        height={bottom - top}
        fill="currentColor"
        fillOpacity={0.14}
      />
      <path
        d={`M${start} ${top}V${bottom}M${end} ${top}V${bottom}`}
        stroke="currentColor"
        strokeWidth={1.5 * unit}
      />
    </g>
  );
}
