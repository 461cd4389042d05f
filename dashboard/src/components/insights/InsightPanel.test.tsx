// Insights: their words in both languages, and where they lead.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { Insight } from "../../api/answers";
import { bucket, insights, overview, trends } from "../../testing/answers";
import { answer, serve } from "../../testing/api";
import { expectAddress, renderAlone } from "../../testing/around";
import { tokenOf } from "../../testing/tokens";
import { spoken } from "../../texts";
import { useOverview } from "../../view/questions";
import { InsightPanel } from "./InsightPanel";

serve();
configure({ asyncUtilTimeout: 10_000 });
afterEach(cleanup);

const Shown = () => <InsightPanel overview={useOverview()} />;
const shows = (...all: Insight[]) => answer("overview", overview({ insights: insights({ insights: all }) }));

const PERIOD = { from: "2026-02-24T10:00:00.000Z", to: "2026-02-25T02:00:00.000Z" };
const FELL: Insight = {
  key: "payment_success_rate_down",
  kpi: "payment_success_rate",
  severity: "warning",
  title: "The payment success rate fell",
  sentence: "The payment success rate fell to 90%, from 98.8% in the same hours a week earlier.",
  period: PERIOD,
  comparedWith: { from: "2026-02-17T10:00:00.000Z", to: "2026-02-18T02:00:00.000Z" },
  numbers: {
    value: 90,
    before: 98.8,
    sample: 1_000,
    sampleBefore: 900,
    deltaPercent: -8.9,
    deltaPoints: -8.8,
  },
  next: "See in the chart when that began.",
};
const CONCENTRATED: Insight = {
  key: "failures_concentrated",
  kpi: "workflow_failure_rate",
  severity: "info",
  title: "Most failures come from one workflow: Welcome",
  sentence: "Welcome accounts for 90% of the 20 failed runs, but for only 10% of all runs.",
  period: PERIOD,
  workflow: { workflowId: "w1", workflowName: "Welcome" },
  numbers: { failures: 18, allFailures: 20, percentOfFailures: 90, percentOfRuns: 10 },
  next: "Look at its failures by message: that is what goes wrong in it.",
};

it("says what stands out, how bad it is, and what to check", async () => {
  shows(FELL);
  renderAlone(<Shown />);
  expect(await screen.findByText(FELL.sentence)).toBeTruthy();
  expect(screen.getByText("Warning")).toBeTruthy();
  expect(screen.getByText(`What to check: ${FELL.next}`)).toBeTruthy();
  expect(screen.queryByText(/Sample|Delta|Spreads/)).toBeNull();
});

it("leads to the chart of its figure and its period", async () => {
  shows(FELL);
  renderAlone(<Shown />);
  fireEvent.click(await screen.findByRole("link", { name: /^Show in the chart: Payment success rate/ }));
  await expectAddress({ metric: FELL.kpi, from: PERIOD.from, to: PERIOD.to, workflow: null });
});

it("leads to its workflow", async () => {
  shows(CONCENTRATED);
  renderAlone(<Shown />);
  const link = await screen.findByRole("link", {
    name: /^Show in the chart: Workflow failure rate of Welcome/,
  });
  const query = new URL(link.getAttribute("href") ?? "", "http://here").searchParams;
  expect([query.get("workflow"), query.get("metric")]).toEqual(["w1", "workflow_failure_rate"]);
});

describe("in German", () => {
  const open = async () => renderAlone(<Shown />, { spoken: await spoken("de") });
  const hour = { from: "2026-02-25T01:00:00.000Z", to: "2026-02-25T02:00:00.000Z" };
  const plain = (text: string | null | undefined) => text?.replace(/[\u00a0\u202f]/g, " ");

  it.each<[Partial<Insight>, RegExp]>([
    [
      FELL,
      /Die Erfolgsquote der Zahlungen ist auf 90,0 % gesunken, von 98,8 % in denselben Stunden eine Woche zuvor\./,
    ],
    [
      CONCENTRATED,
      /Auf Welcome entfallen 90,0 % der 20 fehlgeschlagenen Läufe, aber nur 10,0 % aller Läufe\./,
    ],
    [
      { key: "silence_orders", kpi: "orders_created", numbers: { hours: 3, expected: 117.5 } },
      /^Seit .* gab es keine Bestellungen\. Üblich wären um diese Zeit der Woche etwa 118\./,
    ],
    [
      {
        key: "unusually_low_workflow_runs",
        period: hour,
        numbers: { value: 1, usual: 30.5, spreads: 9.7, hours: 3 },
      },
      /^Zwischen .* und 02:00 gab es nur 1 Workflow-Lauf; üblich wären .* etwa 31\. Von 3 solchen Stunden ist es die auffälligste\.$/,
    ],
    [
      { key: "delivery_drop", numbers: { value: 60, before: 98, sample: 1_150, sampleBefore: 60_000 } },
      /^Nur 60,0 % von 1\.150 Nachrichten wurden zugestellt; in den Wochen zuvor waren es 98,0 %\.$/,
    ],
    [
      { key: "delivered_exceeds_sent", period: hour, numbers: { sent: 0, delivered: 1_200, hours: 3 } },
      /^Zwischen .* und .* wurden 0 Nachrichten gesendet und 1\.200 zugestellt\. Das kann nicht sein: .* So ist es in 3 Stunden\.$/,
    ],
  ])("%o is told", async (part, sentence) => {
    shows({ ...FELL, ...part });
    await open();
    await screen.findByRole("list", { name: "Liste der Auffälligkeiten" });
    const words = [...document.querySelectorAll("[data-insight] p")].map((one) => plain(one.textContent));
    expect(
      words.some((one) => one !== undefined && sentence.test(one)),
      words.join("\n"),
    ).toBe(true);
  });

  it.each<Partial<Insight>>([
    { key: "something_new" },
    { key: "silence_orders", numbers: {} },
    { key: "silence_parcels" },
  ])("the API's own words stand for %o", async (part) => {
    shows({ ...FELL, ...part });
    await open();
    expect(await screen.findByText(FELL.sentence)).toBeTruthy();
  });
});

it("shows the most severe first, and all if that is wanted", async () => {
  shows(...Array.from({ length: 6 }, (_, n) => ({ ...FELL, key: `k${n}`, sentence: `Sentence ${n}.` })));
  renderAlone(<Shown />);
  expect(await screen.findByText("Sentence 3.")).toBeTruthy();
  expect(screen.queryByText("Sentence 4.")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Show all 6" }));
  expect(screen.getByText("Sentence 5.")).toBeTruthy();
});

it("says that nothing stands out, or that there is too little to tell", async () => {
  shows();
  renderAlone(<Shown />);
  expect(await screen.findByText("Nothing stands out")).toBeTruthy();
  cleanup();
  const few = trends({ series: [{ ...bucket(0, 1, 1), workflows_total: 1 }] });
  answer("overview", overview({ insights: insights({ insights: [] }), trends: few }));
  renderAlone(<Shown />);
  expect(await screen.findByText("Too little data to tell")).toBeTruthy();
});

it("says that records may be missing", async () => {
  answer("overview", overview({ insights: insights({ incompleteSince: null }) }));
  renderAlone(<Shown />);
  expect(await screen.findByText(/part of them has never been read/)).toBeTruthy();
});

it("leads to the thresholds, for somebody who may read them", async () => {
  shows(FELL);
  renderAlone(<Shown />, { token: tokenOf({ organization_id: "org_acme", scope: "metrics:read" }) });
  await screen.findByText(FELL.sentence);
  fireEvent.click(screen.getByRole("button", { name: /^More/ }));
  expect(screen.queryByRole("button", { name: /thresholds of alerts/ })).toBeNull();
});

it("says what was judged, if that isn't all that the page shows", async () => {
  const { range } = overview().summary;
  const judged = { from: range.from, to: "2026-02-25T02:00:00.000Z" };
  answer("overview", overview({ insights: insights({ insights: [FELL], judged }) }));
  renderAlone(<Shown />);
  expect(await screen.findByText(/^Judged: .*, without what is still open$/)).toBeTruthy();
});
