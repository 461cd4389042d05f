// A KPI's course over the range, in the size of a word. Its numbers are in the trend chart's table.

import { curveMonotoneX } from "@visx/curve";
import { scaleLinear } from "@visx/scale";
import { AreaClosed, LinePath } from "@visx/shape";
import type { Tone } from "../view/kpi";

const WIDTH = 160;
const HEIGHT = 36;
const EDGE = 3;
const INKS: Readonly<Record<Tone, string>> = { good: "text-good", bad: "text-bad", neutral: "text-muted" };

export function Sparkline({ values, tone }: { values: readonly number[]; tone: Tone }) {
  if (values.length < 2) return <div className="h-9" />;
  const x = scaleLinear({ domain: [0, values.length - 1], range: [0, WIDTH] });
  const least = Math.min(...values);
  const most = Math.max(...values);
  const y = scaleLinear({
    domain: least === most ? [least - 1, most + 1] : [least, most],
    range: [HEIGHT - EDGE, EDGE],
  });
  const course = {
    data: [...values],
    x: (_: number, index: number) => x(index),
    y: (value: number) => y(value),
    curve: curveMonotoneX,
  };
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className={`block h-9 w-full ${INKS[tone]}`}
      aria-hidden="true"
    >
      <AreaClosed {...course} yScale={y} fill="currentColor" fillOpacity={0.08} />
      <LinePath {...course} stroke="currentColor" strokeWidth={1.5} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
