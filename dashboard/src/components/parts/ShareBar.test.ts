// Where the segments of a bar stand.

import { expect, it } from "vitest";
import { placed } from "./ShareBar";

const shares = (...all: number[]) => all.map((share, index) => ({ share, ink: `ink-${index}` }));

it("puts segments in a row, and leaves out what is nothing", () => {
  expect(placed(shares(0.5, 0, 0.25))).toEqual([
    { from: 0, width: 0.5, ink: "ink-0" },
    { from: 0.5, width: 0.25, ink: "ink-2" },
  ]);
});

it("lets the least part be seen, and keeps within the bar", () => {
  const [most, least] = placed(shares(0.999_999, 0.000_001));
  expect(least?.width).toBeGreaterThan(0.003);
  expect((most?.width ?? 0) + (least?.width ?? 0)).toBeCloseTo(1);
  expect(placed(shares(0.000_001))[0]?.width).toBe(0.004);
});
