// The trend chart's legend, with each line's total over the range.

import type { TrendPoint } from "../../view/trendPoints";
import { usePlace } from "../../view/ViewContext";

export function TrendLegend({ points }: { points: readonly TrendPoint[] }) {
  const { formats } = usePlace();
  const total = (name: "orders" | "payments") =>
    formats.count(points.reduce((sum, point) => sum + point[name], 0));
  return (
    <ul className="mb-2 flex flex-wrap items-center gap-x-5 gap-y-1 text-sm">
      <li className="flex items-center gap-2">
        <Sample className="text-orders" marker="circle" />
        <span className="text-muted">Orders</span>
        <span className="font-medium" data-total="orders">
          {total("orders")}
        </span>
      </li>
      <li className="flex items-center gap-2">
        <Sample className="text-payments" marker="square" />
        <span className="text-muted">Payments</span>
        <span className="font-medium" data-total="payments">
          {total("payments")}
        </span>
      </li>
      {points.some((point) => point.before !== null) && (
        <li className="flex items-center gap-2">
          <Sample className="text-muted" marker={null} />
          <span className="text-muted">Before</span>
        </li>
      )}
    </ul>
  );
}

function Sample({ className, marker }: { className: string; marker: "circle" | "square" | null }) {
  return (
    <svg viewBox="0 0 20 8" className={`h-2 w-5 ${className}`} fill="currentColor" aria-hidden="true">
      <path
        d="M0 4h20"
        stroke="currentColor"
        strokeWidth="2"
        strokeDasharray={marker === null ? "2 3" : undefined}
      />
      {marker === "circle" && <circle cx="10" cy="4" r="3.5" />}
      {marker === "square" && <rect x="6.5" y="0.5" width="7" height="7" rx="1" />}
    </svg>
  );
}
