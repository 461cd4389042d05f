// The two lines of the trend chart, the dotted lines of the period before, and the crosshair.
//
// Orders have round markers, payments square ones. The segment to the open bucket is dashed: its count isn't final.

import { curveMonotoneX } from "@visx/curve";
import { Area, LinePath } from "@visx/shape";
import type { TrendPoint } from "../../view/trendPoints";
import type { Plot } from "./plot";

/** With more points than this, markers would touch. */
const MARKED_MAX = 36;

type Name = "orders" | "payments";
const INKS: Readonly<Record<Name, string>> = { orders: "text-orders", payments: "text-payments" };

interface TrendSeriesProps {
  plot: Plot;
  points: readonly TrendPoint[];
  active: number | null;
}

export function TrendSeries({ plot, points, active }: TrendSeriesProps) {
  return (
    <>
      {active !== null && (
        <line
          x1={plot.x(active)}
          x2={plot.x(active)}
          y1={plot.top}
          y2={plot.bottom}
          className="stroke-muted"
          strokeWidth={plot.unit}
        />
      )}
      <Line name="payments" plot={plot} points={points} active={active} />
      <Line name="orders" plot={plot} points={points} active={active} />
    </>
  );
}

function Line({ name, plot, points, active }: TrendSeriesProps & { name: Name }) {
  const placed = points.map((point, index) => ({
    x: plot.x(index),
    y: plot.y(point[name]),
    open: point.open,
  }));
  const closed = placed.filter((place) => !place.open);
  const ghost = points.flatMap(({ before }, index) =>
    before === null ? [] : [{ x: plot.x(index), y: plot.y(before[name]) }],
  );
  const course = {
    x: xOf,
    y: yOf,
    curve: curveMonotoneX,
    stroke: "currentColor",
    strokeWidth: 2 * plot.unit,
  };
  return (
    <g className={INKS[name]} fill="none" strokeLinecap="round" strokeLinejoin="round">
      <LinePath
        {...course}
        data={ghost}
        strokeOpacity={0.5}
        strokeWidth={1.5 * plot.unit}
        strokeDasharray="1 5"
      />
      {name === "orders" && (
        <Area
          data={closed}
          x={xOf}
          y0={plot.bottom}
          y1={yOf}
          curve={curveMonotoneX}
          fill="currentColor"
          fillOpacity={0.06}
        />
      )}
      <LinePath {...course} data={closed} />
      <LinePath
        {...course}
        data={[...closed.slice(-1), ...placed.filter((place) => place.open)]}
        strokeDasharray="4 5"
      />
      {placed.map(({ x, y, open }, index) => {
        const chosen = index === active;
        if (!chosen && !open && points.length > MARKED_MAX) return null;
        return (
          <Marker key={index} name={name} x={x} y={y} hollow={open} radius={(chosen ? 5 : 3) * plot.unit} />
        );
      })}
    </g>
  );
}

interface Place {
  x: number;
  y: number;
}

const xOf = (place: Place) => place.x;
const yOf = (place: Place) => place.y;

function Marker(props: Place & { name: Name; hollow: boolean; radius: number }) {
  const { name, x, y, hollow, radius } = props;
  const look = {
    className: hollow ? "fill-surface" : "fill-current",
    stroke: hollow ? "currentColor" : "var(--surface)",
    strokeWidth: radius / 2.5,
  };
  if (name === "orders") return <circle cx={x} cy={y} r={radius} {...look} />;
  const side = radius * 1.8;
  return <rect x={x - side / 2} y={y - side / 2} width={side} height={side} rx={radius / 3} {...look} />;
}
