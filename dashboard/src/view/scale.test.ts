// Lines and steps.

import { describe, expect, it } from "vitest";
import { linear, roundSteps, roundStepsBetween } from "./scale";

it("maps a domain to a range, in either direction", () => {
  expect([0, 5, 10].map(linear([0, 10], [100, 0]))).toEqual([100, 50, 0]);
});

it("puts a domain without extent in the middle", () => {
  expect(linear([7, 7], [0, 100])(7)).toBe(50);
});

it.each([
  [0, [0, 1]],
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [32, [0, 10, 20, 30, 40]],
  [163, [0, 50, 100, 150, 200]],
  [400, [0, 100, 200, 300, 400]],
  [1_342_000, [0, 500_000, 1_000_000, 1_500_000]],
])("%d is reached in whole round steps", (most, steps) => {
  expect(roundSteps(most, 4)).toEqual(steps);
});

it.each([
  [80, 100, "percent", [80, 85, 90, 95, 100]],
  [81.3, 92.7, "percent", [80, 85, 90, 95]],
  [95, 100, "percent", [94, 96, 98, 100]],
  [0, 0.4, "ms", [0, 0.1, 0.2, 0.3, 0.4]],
  [0, 900, "ms", [0, 500, 1_000]],
  [0, 3_700, "ms", [0, 1_000, 2_000, 3_000, 4_000]],
  [0, 50_000, "ms", [0, 15_000, 30_000, 45_000, 60_000]],
  [0, 170_000, "ms", [0, 60_000, 120_000, 180_000]],
  [0, 13_000_000, "ms", [0, 3_600_000, 7_200_000, 10_800_000, 14_400_000]],
] as const)("from %d to %d (%s)", (low, high, unit, steps) => {
  expect(roundStepsBetween(low, high, 4, unit)).toEqual(steps);
});

describe("any axis", () => {
  const cases = (["count", "percent", "ms"] as const).flatMap((unit) =>
    [0, 0.07, 1, 3.3, 12, 59, 97.4, 812, 1_001, 61_000, 4_000_001, 9e9].flatMap((low) =>
      [0.1, 0.9, 5, 17, 333, 86_399_000].map((span) => [unit, low, low + span] as const),
    ),
  );
  it("begins and ends outside the values, in a few equal steps", () => {
    for (const [unit, low, high] of cases) {
      for (const count of [2, 3, 4, 5]) {
        const steps = roundStepsBetween(low, high, count, unit);
        const name = `${unit} from ${low} to ${high}: ${steps.join(" ")}`;
        const [first = Number.NaN, second = Number.NaN] = steps;
        const last = steps.at(-1) ?? Number.NaN;
        const off = (high - low) * 1e-6;
        expect(first, name).toBeLessThanOrEqual(low + off);
        expect(last, name).toBeGreaterThanOrEqual(high - off);
        expect(steps.length, name).toBeGreaterThanOrEqual(2);
        expect(steps.length, name).toBeLessThanOrEqual(count + 2);
        steps.slice(1).forEach((step, index) => {
          expect(step - (steps[index] ?? Number.NaN), name).toBeCloseTo(second - first, 3);
        });
      }
    }
  });
});
