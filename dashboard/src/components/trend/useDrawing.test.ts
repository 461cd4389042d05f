// The chart's drawing in a size, from the answer to its marks.

import { describe, expect, it } from "vitest";
import { bucket, trends } from "../../testing/answers";
import { ORDERS } from "../../testing/measures";
import { de } from "../../texts/de";
import type { Mark } from "../../view/chartOfMarks";
import { metricOf } from "../../view/chartOfMetric";
import { formatsOf } from "../../view/formats";
import { trendPoints } from "../../view/trendPoints";
import { drawingOf } from "./useDrawing";

/** As large as it is in a window 1,280 pixels wide. */
const SIZE = { width: 748.67, height: 337, unit: 1 };

const textsOf = (marks: readonly Mark[]) => marks.flatMap((mark) => (mark.kind === "text" ? mark.text : []));

describe("today in German, a few minutes after its first hour has begun", () => {
  /** The only bucket, by the clock of Berlin from 00:00 to 01:00. */
  const range = { ...trends().range, from: "2026-02-24T23:00:00.000Z", to: "2026-02-25T00:00:00.000Z" };
  const drawingWith = (orders: number) => {
    const answer = trends({
      range,
      series: [bucket(-1, orders, 0, true)],
      previousSeries: [bucket(-25, 1_250, 0)],
    });
    const metric = metricOf(ORDERS, answer.series[0]);
    const speech = { texts: de, formats: formatsOf("de-DE", "Europe/Berlin", de.formats) };
    const points = trendPoints(answer, metric);
    return drawingOf(
      { points, metric, limits: [], insights: [], speech, range, zone: "Europe/Berlin" },
      false,
      SIZE,
    );
  };

  it("has its bar, as high as its value, hatched", () => {
    const { marks, plot } = drawingWith(1_000);
    const bars = marks.filter((mark) => mark.names !== undefined && "data-bar" in mark.names);
    expect(bars).toHaveLength(1);
    const [bar] = bars;
    if (bar?.kind !== "rect") throw new Error("there is no bar");
    expect(bar.look).toBe("hatched");
    expect(bar.x + bar.width / 2).toBeCloseTo(plot.x(0));
    expect(bar.width).toBeGreaterThanOrEqual(16);
    expect(bar.height / (plot.bottom - plot.top)).toBeCloseTo(1_000 / plot.axis.high);
  });

  it("has an axis that reads, of numbers and of times", () => {
    expect(textsOf(drawingWith(1_000).marks)).toEqual(
      expect.arrayContaining(["0", "1.500", "25. Feb.", "läuft noch"]),
    );
  });

  it("marks what was there before even if there is nothing yet", () => {
    const { marks, plot } = drawingWith(0);
    const [before] = marks.filter((mark) => mark.names !== undefined && "data-before" in mark.names);
    expect(before?.kind === "path" && before.d).toContain(` ${Math.round(100 * plot.y(1_250)) / 100}H`);
  });
});
