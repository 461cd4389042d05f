// What is drawn, for each kind of series.

import { describe, expect, it } from "vitest";
import { bucket, trends } from "../testing/answers";
import { ORDERS, PAYMENTS, TIME } from "../testing/measures";
import { type Limit, type Mark, marksOf } from "./chartOfMarks";
import { type Measure, metricOf } from "./chartOfMetric";
import { plotOf, placeOf } from "./chartOfPlot";
import { type TrendPoint, trendPoints } from "./trendPoints";

type Answer = ReturnType<typeof trends>;

function drawn(measure: Measure, answer: Answer, more: { width?: number; limits?: readonly Limit[] } = {}) {
  const { width = 800, limits = [] } = more;
  const metric = metricOf(measure, answer.series[0]);
  const points = trendPoints(answer, metric);
  const percentiles = metric.percentiles.length > 0;
  const values = limits.map(({ value }) => value);
  const plot = plotOf(
    { points, metric, limits: values, percentiles, written: String },
    { width, height: 300, unit: 1 },
  );
  const words = { open: "still open", fitted: (low: string) => `from ${low}`, tick: () => "10:00" };
  const marks = marksOf({
    ...{ points, metric, plot, limits, percentiles, words },
    ...{ labelled: [0], periods: [] },
  });
  return { marks, plot, points };
}

const rates = (...payments: (number | null)[]): Answer =>
  trends({
    series: payments.map((rate, hour) => ({
      ...bucket(hour, 0, rate === null ? 0 : 100),
      payment_success_rate: rate ?? 0,
      payments_successful: rate ?? 0,
    })),
    previousSeries: [],
  });

const named = (marks: readonly Mark[], name: string, value?: string) =>
  marks.filter(
    ({ names }) => names !== undefined && name in names && (value === undefined || names[name] === value),
  );
const pathOf = (mark: Mark | undefined) => (mark?.kind === "path" ? mark.d : "");
const lengths = (d: string) => [...d.matchAll(/[ML]/g)].map(([command]) => command).join("");

describe("a count", () => {
  const { marks, plot, points } = drawn(ORDERS, trends());
  const bars = named(marks, "data-bar");

  it("has a bar for each bucket, which stands on zero", () => {
    expect(bars.map(({ names }) => names?.["data-bar"])).toEqual(points.map(({ from }) => from));
    for (const bar of bars) {
      if (bar.kind !== "rect") throw new Error("a bar is no rectangle");
      expect(bar.y + bar.height).toBeCloseTo(plot.y(0));
    }
  });

  it("has bars as high as their values", () => {
    const heights = bars.map((bar) => (bar.kind === "rect" ? bar.height : 0));
    const perOrder = (heights[0] ?? 0) / 500;
    expect(heights[1]).toBeCloseTo(700 * perOrder);
    expect(heights[2]).toBeCloseTo(142 * perOrder);
  });

  it("hatches the open bucket", () => {
    expect(bars.map((bar) => bar.kind === "rect" && bar.look)).toEqual(["solid", "solid", "hatched"]);
  });

  it("marks what stood there before, where that is compared", () => {
    const [first, second] = points;
    expect(named(marks, "data-before").map(({ names }) => names?.["data-before"])).toEqual([
      first?.from,
      second?.from,
    ]);
  });

  it("has a bar of 0 without height, and a small one that is seen", () => {
    const series = [bucket(0, 0, 0), bucket(1, 1, 0), bucket(2, 100_000, 0)];
    const heights = named(drawn(ORDERS, trends({ series })).marks, "data-bar").map((bar) =>
      bar.kind === "rect" ? bar.height : Number.NaN,
    );
    expect(heights[0]).toBe(0);
    expect(heights[1]).toBeGreaterThanOrEqual(1);
  });

  it("has one readable bar of one bucket", () => {
    for (const width of [240, 800, 3_000]) {
      const answer = trends({ series: [bucket(0, 7, 0)], previousSeries: [] });
      const [bar] = named(drawn(ORDERS, answer, { width }).marks, "data-bar");
      if (bar?.kind !== "rect") throw new Error("there is no bar");
      expect(bar.width).toBeGreaterThanOrEqual(16);
      expect(bar.width).toBeLessThanOrEqual(64);
      expect(bar.height).toBeGreaterThan(100);
    }
  });

  it("is an outline that ends on zero where buckets are narrow", () => {
    const series = Array.from({ length: 2_160 }, (_, hour) => bucket(hour, hour % 24, 0));
    const narrow = drawn(ORDERS, trends({ series, previousSeries: series }));
    expect(named(narrow.marks, "data-bar")).toEqual([]);
    const area = pathOf(named(narrow.marks, "data-area")[0]);
    expect(area).toMatch(/^M[\d.]+ ([\d.]+)V.*V\1Z$/);
    expect(pathOf(named(narrow.marks, "data-line", "before")[0])).not.toBe("");
    expect(named(narrow.marks, "data-open")).toEqual([]);
  });
});

describe("a rate", () => {
  it("goes straight from value to value", () => {
    const { marks, plot } = drawn(PAYMENTS, rates(90, 50, 100));
    const [now] = named(marks, "data-line", "now");
    expect(pathOf(now)).toBe(
      [0, 1, 2]
        .map((index) => `${index === 0 ? "M" : "L"}${plot.x(index)} ${plot.y([90, 50, 100][index] ?? 0)}`)
        .map((place) =>
          place.replace(/\d+\.\d+/g, (digits) => String(Math.round(Number(digits) * 100) / 100)),
        )
        .join(""),
    );
  });

  it("has a gap where there is no base", () => {
    const { marks } = drawn(PAYMENTS, rates(90, 80, null, 70, 60));
    expect(lengths(pathOf(named(marks, "data-line", "now")[0]))).toBe("MLML");
  });

  it("has a dot where no line goes", () => {
    const many = [90, null, 80, null, ...Array.from({ length: 60 }, () => 85)];
    const dots = drawn(PAYMENTS, rates(...many)).marks.filter(({ kind }) => kind === "dot");
    expect(dots).toHaveLength(2);
  });

  it("says where its axis begins, unless it is zero", () => {
    const fitted = named(drawn(PAYMENTS, rates(92, 96)).marks, "data-fitted");
    expect(fitted).toHaveLength(1);
    const whole = drawn(PAYMENTS, rates(2, 96)).marks;
    expect(named(whole, "data-fitted")).toHaveLength(0);
    expect(named(whole, "data-zero")).toHaveLength(1);
  });

  it("is dashed to an open bucket, behind which it is hatched", () => {
    const answer = rates(90, 80, 70);
    const open = trends({
      series: answer.series.map((one, index) => ({ ...one, open: index === 2 })),
      previousSeries: [],
    });
    const { marks } = drawn(PAYMENTS, open);
    expect(lengths(pathOf(named(marks, "data-line", "now")[0]))).toBe("ML");
    const [end] = named(marks, "data-line", "open");
    expect(end?.kind === "path" && end.dash).toHaveLength(2);
    expect(named(marks, "data-open")).toMatchObject([{ kind: "rect", look: "hatched" }]);
    expect(marks.filter((mark) => mark.kind === "dot" && mark.hollow)).toHaveLength(1);
  });

  it("is a dot if there is one bucket", () => {
    const { marks } = drawn(PAYMENTS, rates(90));
    expect(marks.filter(({ kind }) => kind === "dot")).toHaveLength(1);
  });

  it("has its limits as lines with words, but not twice in one place", () => {
    const limits: Limit[] = [
      { value: 95, severity: "warning", label: "below 95" },
      { value: 85, severity: "critical", label: "below 85" },
      { value: 84.9, severity: "critical", label: "below 84.9" },
      { value: 1, severity: "critical", label: "below 1" },
    ];
    const { marks } = drawn(PAYMENTS, rates(83, 98), { limits });
    expect(named(marks, "data-limit")).toHaveLength(3);
    const words = marks.flatMap((mark) =>
      mark.kind === "text" && mark.text.startsWith("below") ? [mark.text] : [],
    );
    expect(words).toEqual(["below 95", "below 85"]);
  });
});

it.each([
  ["a count", ORDERS],
  ["a rate", PAYMENTS],
])("%s has its open bucket marked where buckets are narrow", (_, measure) => {
  const series = Array.from({ length: 2_160 }, (_, hour) => bucket(hour, 9, 9, hour === 2_159));
  const { marks, plot } = drawn(measure, trends({ series, previousSeries: [] }));
  expect(plot.dense).toBe(true);
  const [band] = named(marks, "data-open");
  if (band?.kind !== "rect") throw new Error("there is no band");
  expect(band.look).toBe("hatched");
  // It begins with the bucket, and is wide enough to be seen.
  expect(band.x).toBeCloseTo(plot.right - plot.step);
  expect(band.width).toBeGreaterThanOrEqual(8);
  expect(band.x + band.width).toBeLessThanOrEqual(plot.width);
  const [area] = named(marks, "data-area");
  if (measure === ORDERS) expect(pathOf(area)).toContain(`H${Math.round(100 * band.x) / 100}V`);
});

it("draws percentiles as lines of their own, with their names", () => {
  const { marks } = drawn(TIME, trends());
  for (const label of ["p50", "p95", "p99"]) {
    expect(named(marks, "data-line", `${label}_execution_time_ms`), label).toHaveLength(1);
    expect(marks.some((mark) => mark.kind === "text" && mark.text === label)).toBe(true);
  }
});

it("stays within the drawing, from a phone to a wall", () => {
  const answers = [trends(), rates(100, 0, null, 55), trends({ series: [bucket(0, 1, 1, true)] })];
  for (const answer of answers) {
    for (const measure of [ORDERS, PAYMENTS, TIME]) {
      for (const width of [240, 1_000, 3_400]) {
        const { marks, plot } = drawn(measure, answer, { width });
        for (const mark of marks) {
          for (const [x, y] of cornersOf(mark)) {
            expect(x, JSON.stringify(mark)).toBeGreaterThanOrEqual(-0.01);
            expect(x, JSON.stringify(mark)).toBeLessThanOrEqual(plot.width + 0.01);
            expect(y, JSON.stringify(mark)).toBeGreaterThanOrEqual(0);
            expect(y, JSON.stringify(mark)).toBeLessThanOrEqual(300);
          }
        }
      }
    }
  }
});

it("finds an instant in the drawing", () => {
  const { plot, points } = drawn(ORDERS, trends());
  expect(placeOf("2026-02-25T00:00:00.000Z", points, plot)).toBeCloseTo(plot.left);
  expect(placeOf("2026-02-25T01:30:00.000Z", points, plot)).toBeCloseTo(plot.x(1));
  expect(placeOf("2026-02-24T00:00:00.000Z", points, plot)).toBeCloseTo(plot.left);
  expect(placeOf("2026-02-26T00:00:00.000Z", points, plot)).toBeCloseTo(plot.right);
});

it("finds the bucket at each place", () => {
  for (const count of [1, 3, 2_160]) {
    const series = Array.from({ length: count }, (_, hour) => bucket(hour, 1, 1));
    const { plot, points }: { plot: ReturnType<typeof plotOf>; points: readonly TrendPoint[] } = drawn(
      ORDERS,
      trends({ series }),
    );
    for (const index of [0, Math.floor(points.length / 2), points.length - 1]) {
      expect(plot.indexAt(plot.x(index)), `${index} of ${count}`).toBe(index);
    }
    expect([plot.indexAt(-50), plot.indexAt(9_999)]).toEqual([0, count - 1]);
  }
});

function cornersOf(mark: Mark): [number, number][] {
  switch (mark.kind) {
    case "rect":
      return [
        [mark.x, mark.y],
        [mark.x + mark.width, mark.y + mark.height],
      ];
    case "line":
      return [
        [mark.x1, mark.y1],
        [mark.x2, mark.y2],
      ];
    case "path":
      return [...mark.d.matchAll(/([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    case "dot":
    case "text":
      return [[mark.x, mark.y]];
  }
}
