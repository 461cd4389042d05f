// The numbers of the bucket under the crosshair. Screen readers get them from the slider.

import type { Range } from "../../api/answers";
import type { TrendPoint } from "../../view/trendPoints";
import { useRangeFormats } from "../../view/ViewContext";
import type { Plot } from "./plot";

interface TrendTooltipProps {
  plot: Plot;
  points: readonly TrendPoint[];
  active: number;
  range: Range;
}

export function TrendTooltip({ plot, points, active, range }: TrendTooltipProps) {
  const formats = useRangeFormats(range);
  const point = points[active];
  if (point === undefined) return null;
  const x = plot.x(active);
  const side = x < (plot.left + plot.right) / 2 ? "translate-x-3" : "-translate-x-[calc(100%+0.75rem)]";
  const { before } = point;
  return (
    <div
      aria-hidden="true"
      className={`pointer-events-none absolute top-2 z-10 rounded-lg bg-raised px-3 py-2 text-xs shadow-float ${side}`}
      style={{ left: x }}
    >
      <p className="font-medium whitespace-nowrap">
        {formats.bucket(point.start, range.granularity)}
        {point.open && <span className="font-normal text-muted"> · still open</span>}
      </p>
      <table className="mt-1.5">
        {before !== null && (
          <thead className="text-right text-muted">
            <tr>
              <td />
              <td>now</td>
              <td className="pl-4">before</td>
            </tr>
          </thead>
        )}
        <tbody>
          {(["orders", "payments"] as const).map((name) => (
            <tr key={name}>
              <td className="pr-4 text-left text-muted">
                <span
                  className={`mr-1.5 inline-block size-2 ${name === "orders" ? "rounded-full bg-orders" : "rounded-[2px] bg-payments"}`}
                />
                {name === "orders" ? "Orders" : "Payments"}
              </td>
              <td className="text-right font-medium">{formats.count(point[name])}</td>
              {before !== null && (
                <td className="pl-4 text-right text-muted">{formats.count(before[name])}</td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
