// Lines and steps.

import { expect, it } from "vitest";
import { linear, roundSteps } from "./scale";

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
