// Maps numbers to positions in a drawing. Pure.
//
// The page's drawings need only a linear map and round steps. A library's scales bring colours, time and number
// formats along, which would take an eighth of the page's budget.

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
  const rough = Math.max(1, most / count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.ceil(Math.max(1, most) / step) + 1 }, (_, index) => index * step);
}
