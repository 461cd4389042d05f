// Channels and their receipts.

import { expect, it } from "vitest";
import type { DeliveryHealth } from "../api/answers";
import { barOf, dueOf, mostSent, rateOf } from "./rowsDeliveries";

const bucket = (hour: number, sent: number, delivered: number) => ({
  bucket: new Date(Date.UTC(2026, 1, 25, hour)).toISOString(),
  open: false,
  messages_sent: sent,
  messages_delivered: delivered,
  message_delivery_rate: 0,
});
const health = (part: Partial<DeliveryHealth["range"]> = {}): Pick<DeliveryHealth, "range" | "series"> => ({
  range: {
    from: "2026-02-25T08:00:00.000Z",
    to: "2026-02-25T11:00:00.000Z",
    granularity: "hour",
    timezone: "UTC",
    ...part,
  },
  series: [bucket(8, 10, 2), bucket(9, 10, 7), bucket(10, 4, 0)],
});

it.each([
  // The hour from nine on has messages that are less than an hour old, and so has the one from ten on.
  ["2026-02-25T10:30:00.000Z", { may: true, missing: 7 }],
  ["2026-02-25T11:00:00.000Z", { may: true, missing: 4 }],
  ["2026-02-25T11:59:59.000Z", { may: true, missing: 4 }],
  ["2026-02-25T12:00:00.000Z", { may: false, missing: null }],
])("at %s receipts are due: %o", (now, due) => {
  expect(dueOf(health(), new Date(now))).toEqual(due);
});

it("doesn't count what days can't tell", () => {
  expect(dueOf(health({ granularity: "day" }), new Date("2026-02-25T10:30:00.000Z"))).toEqual({
    may: true,
    missing: null,
  });
});

it("says nothing if all have arrived", () => {
  const { range } = health();
  const series = [bucket(10, 4, 4)];
  expect(dueOf({ range, series }, new Date("2026-02-25T10:30:00.000Z")).may).toBe(false);
});

const channel = (sent: number, delivered: number, deliveryRate = 0) => ({
  channel: "sms",
  sent,
  delivered,
  deliveryRate,
});

it("has no rate of nothing", () => {
  expect(rateOf(channel(0, 3))).toBeNull();
  expect(rateOf(channel(4, 3, 75))).toBe(75);
});

it("draws channels beside the largest one", () => {
  expect(mostSent([channel(8, 1), channel(4, 1)])).toBe(8);
  expect(barOf(channel(4, 1), 8)).toEqual({ delivered: 0.125, rest: 0.375 });
  expect(barOf(channel(4, 9), 8)).toEqual({ delivered: 0.5, rest: 0 });
  expect(barOf(channel(0, 9), 0)).toEqual({ delivered: 0, rest: 0 });
  expect(mostSent([])).toBe(0);
});
