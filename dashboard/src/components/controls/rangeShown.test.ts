// The interval on the period's button: that of the answer.

import { expect, it } from "vitest";
import { loadTemporal } from "../../view/temporal";
import { rangeShown } from "./rangeShown";

await loadTemporal();

const interval = (from: string, to: string) => ({ from, to });
const year = interval("2025-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z");
const hours = interval("2026-02-24T09:20:00.000Z", "2026-02-24T11:40:00.000Z");

it.each([
  ["before the first answer", year, null, year, "day"],
  [
    "limited by the API",
    year,
    interval("2025-10-03T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
    interval("2025-10-03T00:00:00.000Z", "2026-01-01T00:00:00.000Z"),
    "day",
  ],
  [
    "rounded to hours by the API",
    hours,
    interval("2026-02-24T09:00:00.000Z", "2026-02-24T12:00:00.000Z"),
    interval("2026-02-24T09:00:00.000Z", "2026-02-24T12:00:00.000Z"),
    "hour",
  ],
  [
    "rounded to days by the API",
    interval("2026-02-01T00:00:00.000Z", "2026-02-24T23:30:00.000Z"),
    interval("2026-02-01T00:00:00.000Z", "2026-02-25T00:00:00.000Z"),
    interval("2026-02-01T00:00:00.000Z", "2026-02-25T00:00:00.000Z"),
    "day",
  ],
  [
    "a period that hasn't begun",
    interval("2026-03-01T00:00:00.000Z", "2026-04-01T00:00:00.000Z"),
    interval("2026-02-25T10:00:00.000Z", "2026-02-25T11:00:00.000Z"),
    interval("2026-02-25T10:00:00.000Z", "2026-02-25T11:00:00.000Z"),
    "hour",
  ],
])("%s", (_, period, answered, shown, granularity) => {
  expect(rangeShown(period, answered, "UTC")).toEqual({ ...shown, granularity });
});
