// The address and the view it names.

import { describe, expect, it } from "vitest";
import { summary, workflowTrends } from "../testing/answers";
import { shownKpi } from "./chartOfMetric";
import {
  comparingParametersOf,
  metricIn,
  type Note,
  type Parameter,
  PARAMETERS,
  type Parameters,
  parametersOf,
  readView,
  searchOf,
  type View,
  writeView,
} from "./view";

const SYSTEM = "Europe/Berlin";
const NOW = new Date("2026-02-25T10:30:00Z");
const DEFAULT: View = {
  period: { preset: "24h" },
  zone: SYSTEM,
  granularity: null,
  compare: "previous_period",
  metric: null,
  workflow: null,
  sort: "failures",
};

function parametersIn(search: string): Parameters {
  const query = new URLSearchParams(search);
  return Object.fromEntries(PARAMETERS.map((name) => [name, query.get(name)])) as Record<
    Parameter,
    string | null
  >;
}

const read = (search: string) => readView(parametersIn(search), SYSTEM);

describe("an address", () => {
  it.each<[string, Partial<View>]>([
    ["?timezone=Europe/Berlin", {}],
    ["?range=7d&timezone=Europe/Berlin", { period: { preset: "7d" } }],
    [
      "?range=7d&timezone=Europe/Berlin&granularity=hour&compare=previous_week",
      { period: { preset: "7d" }, granularity: "hour", compare: "previous_week" },
    ],
    ["?timezone=America/New_York", { zone: "America/New_York" }],
    [
      "?from=2026-02-25T00:00:00.000Z&to=2026-02-25T10:00:00.000Z&timezone=UTC",
      { period: { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T10:00:00.000Z" }, zone: "UTC" },
    ],
    [
      "?timezone=UTC&metric=payment_success_rate&workflow=w+1%26&sort=name",
      { zone: "UTC", metric: "payment_success_rate", workflow: "w 1&", sort: "name" },
    ],
  ])("%s is read and written", (search, part) => {
    const view = { ...DEFAULT, ...part };
    expect(read(search)).toEqual({ view, notes: [] });
    expect(searchOf(view)).toBe(search);
    expect(writeView(view)).toEqual(parametersIn(search));
  });

  it("without a zone is of the system's", () => {
    expect(read("")).toEqual({ view: DEFAULT, notes: [] });
  });

  it.each<[string, Partial<View>]>([
    ["?timezone=america/new_york", { zone: "America/New_York" }],
    ["?timezone=utc", { zone: "UTC" }],
    [
      "?from=2026-02-25T11:00:00%2B01:00&to=2026-02-25",
      { period: { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T10:00:00.000Z" } },
    ],
  ])("%s is understood all the same", (search, part) => {
    expect(read(search)).toEqual({ view: { ...DEFAULT, ...part }, notes: [] });
  });

  it.each<[string, [Parameter, string][]]>([
    ["?timezone=Mars/Olympus", [["timezone", "Mars/Olympus"]]],
    ["?timezone=%2B03:00", [["timezone", "+03:00"]]],
    ["?timezone=", [["timezone", ""]]],
    [
      "?range=eternity&granularity=minute&compare=all&sort=luck",
      [
        ["range", "eternity"],
        ["granularity", "minute"],
        ["compare", "all"],
        ["sort", "luck"],
      ],
    ],
    ["?from=yesterday&to=today", [["from", "yesterday"]]],
    ["?from=2026-02-25T00:00:00Z", [["to", ""]]],
    [
      "?metric=&workflow=+",
      [
        ["metric", ""],
        ["workflow", " "],
      ],
    ],
  ])("%s gets the defaults, and a note for each", (search, wrong) => {
    const notes = wrong.map(([parameter, given]): Note => ({ kind: "parameter", parameter, given }));
    expect(read(search)).toEqual({ view: DEFAULT, notes });
  });
});

it("shows the first figure that there is, of a workflow as of all, unless one is chosen", () => {
  const [ofAll, ofWorkflow] = [read("?timezone=UTC").view, read("?timezone=UTC&workflow=w1").view];
  expect([ofAll.metric, ofWorkflow.metric]).toEqual([null, null]);
  const { kpis } = summary();
  expect(metricIn(ofAll)).toBe(kpis[0]?.key);
  expect(metricIn(ofWorkflow)).toBe(shownKpi(kpis, "", workflowTrends().series[0])?.key);
  expect(metricIn(read("?workflow=w1&metric=avg_execution_time_ms").view)).toBe("avg_execution_time_ms");
});

it("asks only for what isn't the API's default", () => {
  const utc = { ...DEFAULT, zone: "UTC" };
  const lastDay = { from: "2026-02-24T11:00:00.000Z" };
  const said = (parameters: object) => JSON.parse(JSON.stringify(parameters)) as object;
  expect(said(comparingParametersOf(utc, NOW))).toEqual(lastDay);
  expect(said(parametersOf(DEFAULT, NOW))).toMatchObject({ timezone: SYSTEM });
  expect(said(comparingParametersOf({ ...utc, compare: "none" }, NOW))).toEqual({
    ...lastDay,
    compare: "none",
  });
});
