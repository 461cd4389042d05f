// What a value axis begins and ends with.

import { describe, expect, it } from "vitest";
import { type Axis, axisOf } from "./chartOfAxis";

const rate = { unit: "percent", drawing: "line", count: 4 } as const;

describe("bars", () => {
  it("stand on zero, whatever their values", () => {
    for (const values of [[], [0], [1], [990, 1_000], [7_000_000]]) {
      const axis = axisOf(values, { unit: "count", drawing: "bars", count: 4 });
      expect(axis).toMatchObject({ low: 0, fitted: false });
      expect(axis.high).toBeGreaterThanOrEqual(Math.max(1, ...values));
    }
  });
});

describe("a rate", () => {
  it.each([
    ["all along", [3, 97], 0, 100, false],
    ["small", [0, 2.5], 0, 6, false],
    ["never anything but 0", [0, 0], 0, 6, false],
    ["high", [84, 92], 84, 92, true],
    ["never anything but 100", [100, 100], 94, 100, true],
    ["known of one bucket only", [50], 0, 100, false],
    ["known of one bucket only, and high", [97], 0, 100, false],
    ["nowhere", [], 0, 100, false],
  ])("that is %s", (_, values, low, high, fitted) => {
    expect(axisOf(values, rate)).toMatchObject({ low, high, fitted });
  });

  it("shows limits that are near", () => {
    expect(axisOf([84, 92], { ...rate, limits: [95, 85] })).toMatchObject({
      low: 80,
      high: 95,
      limits: [95, 85],
    });
  });

  it("leaves limits out that would flatten the line", () => {
    expect(axisOf([1, 4], { ...rate, limits: [25, 10] }).limits).toEqual([10]);
    expect(axisOf([98, 99.5], { ...rate, limits: [95, 50] }).limits).toEqual([95]);
  });

  it("shows the same limits in any size", () => {
    for (const count of [2, 3, 4, 5]) {
      expect(axisOf([1, 4], { ...rate, limits: [10, 25], count }).limits, String(count)).toEqual([10]);
    }
  });
});

describe("a line of one value", () => {
  it.each([
    ["ms", 840, 0, 1_000],
    ["ms", 0, 0, 1],
    ["count", 7, 0, 8],
  ] as const)("in %s, of %d, begins at zero", (unit, value, low, high) => {
    const axis = axisOf([value], { unit, drawing: "line", count: 4 });
    expect(axis).toMatchObject({ low, high, fitted: false });
  });
});

const isWithin = ({ low, high }: Axis, value: number) => value >= low && value <= high;

describe("any line", () => {
  const values = [0, 0.1, 1, 4.9, 50, 94, 99.9, 100];
  const pairs = values.flatMap((low) =>
    values.filter((high) => high >= low).map((high) => [low, high] as const),
  );

  it("is within its axis, a rate's between 0 and 100", () => {
    for (const [low, high] of pairs) {
      for (const limits of [[], [95, 85], [10, 25], [0], [100]]) {
        for (const unit of ["percent", "ms", "count"] as const) {
          const axis = axisOf([low, high], { unit, drawing: "line", limits, count: 4 });
          const name = `${low} to ${high} ${unit} with ${limits.join(", ")}`;
          expect(isWithin(axis, low) && isWithin(axis, high), name).toBe(true);
          expect(axis.low, name).toBeGreaterThanOrEqual(0);
          if (unit === "percent") expect(axis.high, name).toBeLessThanOrEqual(100);
          expect(axis.fitted, name).toBe(axis.low > 0);
          for (const limit of axis.limits) expect(isWithin(axis, limit), name).toBe(true);
        }
      }
    }
  });
});
