// Where alerts and insights lead.

import { expect, it } from "vitest";
import { followAlert, followInsight } from "./rowsFollow";

const NOW = new Date("2026-02-25T10:30:00.000Z");

it("leads from an alert to its figure, in the range that is shown, of all workflows", () => {
  const kpi = "payment_success_rate";
  expect(followAlert({ kpi })).toEqual({ metric: kpi, workflow: null });
});

it("leads from a long insight to its period", () => {
  const period = { from: "2026-02-17T10:00:00.000Z", to: "2026-02-18T10:00:00.000Z" };
  expect(followInsight({ kpi: "orders_created", period }, NOW)).toEqual({
    period,
    granularity: null,
    workflow: null,
    metric: "orders_created",
  });
});

it("leads from an hour to the hours around it", () => {
  const period = { from: "2026-02-20T05:00:00.000Z", to: "2026-02-20T06:00:00.000Z" };
  expect(followInsight({ kpi: "orders_created", period }, NOW)).toMatchObject({
    period: { from: "2026-02-19T17:00:00.000Z", to: "2026-02-20T18:00:00.000Z" },
    granularity: "hour",
  });
});

it("doesn't lead beyond the hour that goes on, with which the answer ends", () => {
  const period = { from: "2026-02-25T07:00:00.000Z", to: "2026-02-25T10:00:00.000Z" };
  expect(followInsight({ kpi: "orders_created", period }, NOW)).toMatchObject({
    period: { from: "2026-02-24T19:00:00.000Z", to: "2026-02-25T11:00:00.000Z" },
  });
  // A clock that is behind cuts nothing off.
  expect(followInsight({ kpi: null, period }, new Date("2026-02-25T08:00:00.000Z"))).toMatchObject({
    period: { to: period.to },
  });
});

it("leads to the workflow that it is about, and leaves the figure as it is if it is about none", () => {
  const period = { from: "2026-02-17T10:00:00.000Z", to: "2026-02-18T10:00:00.000Z" };
  const workflow = { workflowId: "w1", workflowName: "Welcome" };
  const view = followInsight({ kpi: null, period, workflow }, NOW);
  expect(view.workflow).toBe("w1");
  expect(view).not.toHaveProperty("metric");
});
