// How an answer's range differs from what was asked.

import { expect, it } from "vitest";
import type { Bounds } from "./period";
import { deviationOf } from "./rangeShown";

const RANGE = {
  from: "2025-11-28T00:00:00.000Z",
  to: "2026-02-26T00:00:00.000Z",
  granularity: "day",
  timezone: "UTC",
} as const;

it.each<[string, Bounds, ReturnType<typeof deviationOf>]>([
  ["no bounds", {}, null],
  ["the very range", { from: RANGE.from, to: RANGE.to }, null],
  [
    "a range within it, which was rounded outward",
    { from: "2025-11-28T09:30:00Z", to: "2026-02-25T10:00:00Z" },
    null,
  ],
  ["an end in the future", { from: RANGE.from, to: "2027-01-01T00:00:00Z" }, null],
  [
    "too long a range",
    { from: "2024-01-01T00:00:00Z", to: "2026-02-25T10:00:00Z" },
    { kind: "limited", days: 90 },
  ],
  ["the same, open", { from: "2024-01-01T00:00:00Z" }, { kind: "limited", days: 90 }],
  [
    "the same, the other way round",
    { from: "2026-02-25T10:00:00Z", to: "2024-01-01T00:00:00Z" },
    { kind: "limited", days: 90 },
  ],
  ["a month to come", { from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" }, { kind: "moved" }],
])("%s", (_, requested, deviation) => {
  expect(deviationOf(requested, RANGE)).toEqual(deviation);
});
