// The value axis of a chart: from zero under everything that is filled, fitted to lines that would be flat otherwise. Pure.

import type { Kpi } from "../api/answers";
import { roundSteps, roundStepsBetween } from "./scale";

export interface Axis {
  low: number;
  high: number;
  /** Where grid lines are; the first is `low`, the last `high`. */
  steps: readonly number[];
  /** Whether it begins above zero, which the chart has to say. */
  fitted: boolean;
  /** The limits that it was made for; others are not in view. They don't depend on how many steps there are. */
  limits: readonly number[];
}

interface Drawn {
  unit: Kpi["unit"];
  drawing: "bars" | "line";
  /** Limits that are in the axis if the values still have a good part of it. */
  limits?: readonly number[];
  /** About how many steps there should be. */
  count: number;
}

/** Values that hardly differ get at least this much of an axis: noise must not look like a landslide. */
const LEAST_SPAN_PERCENT = 5;
/** The same for other units, as a share of the greatest value. */
const LEAST_SPAN_SHARE = 0.2;
/** With limits in it, the axis is at most this many times as long as the values need. */
const STRETCHED_MAX = 3;
/** An axis begins at zero if that takes at most this share of it for nothing. */
const BELOW_VALUES_MAX = 0.5;

export function axisOf(values: readonly number[], { unit, drawing, limits = [], count }: Drawn): Axis {
  if (drawing === "bars") return axisFrom(roundSteps(Math.max(0, ...values), count), []);
  const [first = 1, ...others] = values;
  // One value has no course to see, only a height, which shows on the axis of all that it could be.
  const needed: Extent =
    others.length === 0
      ? [0, unit === "percent" ? 100 : first || 1]
      : withLeastSpan(Math.min(...values), Math.max(...values), unit);
  const shown = shownLimits(needed, limits);
  const [low, high] = [Math.min(needed[0], ...shown), Math.max(needed[1], ...shown)];
  const from = low <= high * BELOW_VALUES_MAX ? 0 : low;
  return axisFrom(roundStepsBetween(from, high, count, unit), shown);
}

type Extent = readonly [low: number, high: number];

function withLeastSpan(low: number, high: number, unit: Kpi["unit"]): Extent {
  const least = unit === "percent" ? LEAST_SPAN_PERCENT : high * LEAST_SPAN_SHARE || 1;
  const span = Math.max(least, high - low);
  const most = unit === "percent" ? 100 : Number.POSITIVE_INFINITY;
  // What is lacking goes to both sides, but not to where there can be no values.
  const top = Math.min(most, high + (span - (high - low)) / 2);
  const bottom = Math.max(0, top - span);
  return [bottom, bottom + span];
}

/** The limits that leave the values enough of the axis. */
function shownLimits([low, high]: Extent, limits: readonly number[]): number[] {
  const longest = (high - low) * STRETCHED_MAX;
  return limits.reduce<number[]>((shown, limit) => {
    const all = [low, high, ...shown, limit];
    return Math.max(...all) - Math.min(...all) <= longest ? [...shown, limit] : shown;
  }, []);
}

function axisFrom(steps: readonly number[], limits: readonly number[]): Axis {
  const [low = 0] = steps;
  return { low, high: steps.at(-1) ?? 1, steps, fitted: low > 0, limits };
}
