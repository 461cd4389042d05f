// A KPI's values over the range as a small line without axes. The trend chart's table has the numbers.

import { curveMonotoneX } from "@visx/curve";
import { Area, LinePath } from "@visx/shape";
import type { Tone } from "../../view/kpi";
import { linear } from "../../view/scale";

const WIDTH = 160;
const HEIGHT = 36;
const EDGE = 3;
const INKS: Readonly<Record<Tone, string>> = { good: "text-good", bad: "text-bad", neutral: "text-muted" };

export function Sparkline({ values, tone }: { values: readonly number[]; tone: Tone }) {
  if (values.length < 2) return <div className="h-9" />;
  const x = linear([0, values.length - 1], [0, WIDTH]);
  const y = linear([Math.min(...values), Math.max(...values)], [HEIGHT - EDGE, EDGE]);
  const course = {
    data: [...values],
    x: (_: number, index: number) => x(index),
    y,
    curve: curveMonotoneX,
  };
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className={`block h-9 w-full overflow-visible ${INKS[tone]}`}
      aria-hidden="true"
    >
      <Area
        data={course.data}
        x={course.x}
        y0={HEIGHT}
        y1={course.y}
        curve={course.curve}
        fill="currentColor"
        fillOpacity={0.08}
      />
      <LinePath {...course} stroke="currentColor" strokeWidth={1.5} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
