// How old numbers are, and when that is flagged.

import { expect, it } from "vitest";
import { freshnessOf } from "./freshness";

const range = (to: string) => ({
  from: "2026-02-25T00:00:00.000Z",
  to,
  granularity: "hour" as const,
  timezone: "UTC",
});
const GOES_ON = range("2026-02-25T11:00:00.000Z");
const NOW = Date.parse("2026-02-25T10:30:00.000Z");

it.each([
  ["2026-02-25T10:29:58.000Z", 2_000, false],
  ["2026-02-25T10:25:00.001Z", 299_999, false],
  ["2026-02-25T10:25:00.000Z", 300_000, true],
  ["2026-02-22T10:30:00.000Z", 3 * 86_400_000, true],
  // A clock that is a little behind.
  ["2026-02-25T10:30:03.000Z", 0, false],
])("complete through %s", (through, ageMs, old) => {
  expect(freshnessOf(through, GOES_ON, NOW)).toEqual({ kind: "through", through, ageMs, old });
});

it("is complete once the range is over and all of it was read", () => {
  const over = range("2026-02-25T10:00:00.000Z");
  expect(freshnessOf("2026-02-25T10:00:00.000Z", over, NOW)).toMatchObject({ kind: "complete" });
  expect(freshnessOf("2026-02-25T09:59:59.999Z", over, NOW)).toMatchObject({ kind: "through", old: true });
});

it("isn't complete while a partition has never been read", () => {
  expect(freshnessOf(null, GOES_ON, NOW)).toEqual({ kind: "incomplete" });
});
