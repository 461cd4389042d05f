// Names of numbers as words.

import { expect, it } from "vitest";
import { labelOf } from "./InsightItem";

it.each([
  ["expected", "Expected"],
  ["sampleBefore", "Sample before"],
  ["previous_value_ms", "Previous value"],
  ["failureRatePercent", "Failure rate"],
  ["percentOfFailures", "Percent of failures"],
])("%s", (name, words) => {
  expect(labelOf(name)).toBe(words);
});
