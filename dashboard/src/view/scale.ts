// Maps numbers to positions in a drawing, and finds round steps for its axes. Pure.
//
// The page's drawings need only a linear map and round steps. A library's scales bring colours, time and number
// formats along, which would take an eighth of the page's budget.

import type { Kpi } from "../api/answers";

type Unit = Kpi["unit"];

/** The straight line from `domain` to `range`; a domain without extent maps to the middle of the range. */
export function linear(
  domain: readonly [number, number],
  range: readonly [number, number],
): (value: number) => number {
  const [start, end] = domain;
  const [low, high] = range;
  if (start === end) return () => (low + high) / 2;
  return (value) => low + ((value - start) / (end - start)) * (high - low);
}

/** Round whole numbers from 0 to `most` or just above, about `count` of them, in steps of 1, 2 or 5 times 10ⁿ. */
export function roundSteps(most: number, count: number): number[] {
  const step = roundStep(Math.max(1, most / count), "count");
  return multiples(step, 0, Math.ceil(Math.max(1, most) / step));
}

/** Round steps from `low` or just below to `high` or just above. */
export function roundStepsBetween(low: number, high: number, count: number, unit: Unit): number[] {
  const step = roundStep((high - low) / count, unit);
  // A quotient such as 0.3 / 0.1 is a little off its whole number.
  const first = Math.floor(low / step + TOLERANCE);
  const last = Math.ceil(high / step - TOLERANCE);
  return multiples(step, first, Math.max(last, first + 1));
}

const TOLERANCE = 1e-9;
const DECIMALS = [1, 2, 5, 10];
const SECOND_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;
/** Steps of times are round in seconds, minutes and hours. */
const TIMES_MS = [
  ...[1, 2, 5, 10, 15, 30],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * 3_600),
].map((seconds) => seconds * SECOND_MS);

/** The least round step that isn't less than `rough`. */
function roundStep(rough: number, unit: Unit): number {
  if (unit === "ms" && rough > SECOND_MS / 2 && rough <= DAY_MS) {
    return TIMES_MS.find((step) => step >= rough) ?? DAY_MS;
  }
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * (DECIMALS.find((factor) => factor * power >= rough * (1 - TOLERANCE)) ?? 10);
}

function multiples(step: number, first: number, last: number): number[] {
  // Multiplied, not added up, and rounded to what a step can have: 3 * 0.1 is not 0.3.
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
