// A KPI's values over the range as a small chart without axes: bars for what adds up, a straight line for the rest.
// The trend chart has the numbers.

import { useMemo } from "react";
import type { Bucket } from "../../api/answers";
import { axisOf } from "../../view/chartOfAxis";
import type { Measure } from "../../view/chartOfMetric";
import { type Sparkline as Values, sparklineOf } from "../../view/chartOfSparkline";
import { linear } from "../../view/scale";

/** The drawing is stretched to the card's width, so these are no pixels. */
const WIDTH = 160;
const HEIGHT = 36;
const EDGE = 2;
const BAR_SHARE = 0.7;
const BAR_MAX = 14;

interface SparklineProps {
  kpi: Measure;
  series: readonly Bucket[];
}

export function Sparkline({ kpi, series }: SparklineProps) {
  const drawn = useMemo(() => sparklineOf(kpi, series), [kpi, series]);
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className="block h-9 w-full text-muted forced-colors:text-[CanvasText]"
      aria-hidden="true"
      data-sparkline={drawn.drawing}
    >
      {drawn.drawing === "bars" ? <Bars {...drawn} /> : <Line values={drawn.values} unit={kpi.unit} />}
    </svg>
  );
}

function Bars({ values, open }: Values) {
  const most = Math.max(...values.map((value) => value ?? 0), 0) || 1;
  const step = WIDTH / Math.max(1, values.length);
  const width = Math.min(step * BAR_SHARE, BAR_MAX);
  const bar = (value: number | null, index: number) => {
    const height = ((value ?? 0) / most) * (HEIGHT - EDGE);
    const x = (index + 0.5) * step - width / 2;
    return height === 0 ? "" : `M${x} ${HEIGHT}v${-height}h${width}v${height}z`;
  };
  const last = values.length - 1;
  return (
    <>
      <path
        d={values.map((value, index) => (open && index === last ? "" : bar(value, index))).join("")}
        fill="currentColor"
        fillOpacity={0.75}
      />
      {open && <path d={bar(values[last] ?? null, last)} fill="currentColor" fillOpacity={0.35} />}
      <path
        d={`M0 ${HEIGHT - 0.5}H${WIDTH}`}
        stroke="currentColor"
        strokeOpacity={0.5}
        vectorEffect="non-scaling-stroke"
      />
    </>
  );
}

function Line({ values, unit }: Pick<Values, "values"> & Pick<Measure, "unit">) {
  const known = values.filter((value) => value !== null);
  const { low, high } = axisOf(known, { unit, drawing: "line", count: 2 });
  const y = linear([low, high], [HEIGHT - EDGE, EDGE]);
  const x = linear([-0.5, values.length - 0.5], [0, WIDTH]);
  const isGap = (index: number) => (values[index] ?? null) === null;
  const d = values.map((value, index) => {
    if (value === null) return "";
    const place = `${x(index)} ${y(value)}`;
    // A line of no length, with a round end, is a dot in whatever way the drawing is stretched.
    return isGap(index - 1) ? `M${place}${isGap(index + 1) ? "h0" : ""}` : `L${place}`;
  });
  return (
    <path
      d={d.join("")}
      fill="none"
      stroke="currentColor"
      strokeWidth={known.length === 1 ? 5 : 1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      vectorEffect="non-scaling-stroke"
    />
  );
}
