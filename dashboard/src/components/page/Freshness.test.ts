// How long ago, in words.

import { expect, it } from "vitest";
import { agoOf } from "./Freshness";

it.each([
  [-500, "just now"],
  [999, "just now"],
  [1_000, "1 s ago"],
  [59_999, "59 s ago"],
  [60_000, "1 min ago"],
  [3_600_000, "1 h ago"],
])("%d ms", (milliseconds, words) => {
  expect(agoOf(milliseconds)).toBe(words);
});
