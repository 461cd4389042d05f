// The trend chart's numbers as a table.

import type { Range } from "../../api/answers";
import type { TrendPoint } from "../../view/trendPoints";
import { useRangeFormats } from "../../view/ViewContext";
import { Scroll } from "../parts/Scroll";

export function TrendTable({ points, range }: { points: readonly TrendPoint[]; range: Range }) {
  const formats = useRangeFormats(range);
  const compared = points.some((point) => point.before !== null);
  const total = (count: (point: TrendPoint) => number) =>
    formats.count(points.reduce((sum, point) => sum + count(point), 0));
  return (
    <Scroll label="Orders and payments by time">
      <table className="w-full text-right text-sm">
        <thead className="sticky top-0 bg-surface text-xs text-muted">
          <tr className="*:border-b *:border-line *:py-2 *:pl-4 *:font-medium">
            <th scope="col" className="pl-0! text-left">
              {range.granularity === "hour" ? "Hour" : "Day"}
            </th>
            <th scope="col">Orders</th>
            {compared && <th scope="col">Before</th>}
            <th scope="col">Payments</th>
            {compared && <th scope="col">Before</th>}
          </tr>
        </thead>
        <tbody>
          {points.map((point) => (
            <tr key={point.start} className="*:border-b *:border-line *:py-1.5 *:pl-4">
              <th scope="row" className="pl-0! text-left font-normal whitespace-nowrap">
                {formats.bucket(point.start, range.granularity)}
                {point.open && <span className="text-muted"> · still open</span>}
              </th>
              <td>{formats.count(point.orders)}</td>
              {compared && (
                <td className="text-muted">{point.before && formats.count(point.before.orders)}</td>
              )}
              <td>{formats.count(point.payments)}</td>
              {compared && (
                <td className="text-muted">{point.before && formats.count(point.before.payments)}</td>
              )}
            </tr>
          ))}
        </tbody>
        <tfoot className="sticky bottom-0 bg-surface font-medium">
          <tr className="*:border-t *:border-line-strong *:py-2 *:pl-4">
            <th scope="row" className="pl-0! text-left font-medium">
              In all
            </th>
            <td>{total((point) => point.orders)}</td>
            {compared && <td className="text-muted">{total((point) => point.before?.orders ?? 0)}</td>}
            <td>{total((point) => point.payments)}</td>
            {compared && <td className="text-muted">{total((point) => point.before?.payments ?? 0)}</td>}
          </tr>
        </tfoot>
      </table>
    </Scroll>
  );
}
