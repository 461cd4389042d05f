// The page in each of its states, with an API in the same process.
//
// @vitest-environment happy-dom

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { App } from "./App";
import { LiveProvider } from "./api/live";
import { SessionProvider } from "./api/session";
import { answer, asked, cut, refuse, serve } from "./testing/api";
import { bucket, insights, summary, trends, workflowHealth } from "./testing/answers";
import { ViewProvider } from "./view/ViewContext";

/** The limit for an element to appear on a busy machine. */
const APPEARS_WITHIN_MS = 10_000;

serve();
configure({ asyncUtilTimeout: APPEARS_WITHIN_MS });
beforeEach(() => history.replaceState(null, "", "/overview?timezone=UTC"));
afterEach(cleanup);

function open(token: string | null = "secret"): void {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SessionProvider initial={token}>
        <ViewProvider>
          <LiveProvider>
            <App />
          </LiveProvider>
        </ViewProvider>
      </SessionProvider>
    </QueryClientProvider>,
  );
}

const panel = (name: string) => screen.findByRole("region", { name });
const inList = { selector: "summary span" };
const notice = () => screen.findByRole("status");

describe("an organization with numbers", () => {
  it("has a name, a plan and a health that says why", async () => {
    open();
    expect(await screen.findByRole("heading", { level: 1, name: "Acme" })).toBeTruthy();
    expect(screen.getByText("pro")).toBeTruthy();
    const badge = screen.getByRole("button", { name: /System health: Critical/ });
    expect(badge.textContent).toContain("Payments are failing");
    fireEvent.click(badge);
    expect(await screen.findByText(/84.1 % over 1000 payments, below 85 %/)).toBeTruthy();
  });

  it("has a card per figure: value, unit, change in sign and word, severity", async () => {
    open();
    const rate = (await screen.findByRole("heading", { name: "Payment Success Rate" })).closest("article");
    expect(rate?.textContent).toContain("84.1%");
    expect(rate?.textContent).toContain("−8.2 %worsefrom 91.6 % to 84.1 %");
    expect(rate?.textContent).toContain("Critical");
    // The change is that of what is over of the range; its value includes what is open.
    const orders = (await screen.findByRole("heading", { name: "Orders Created" })).closest("article");
    expect(orders?.textContent).toContain("1,342+16.1 %betterfrom 1,150 to 1,335");
  });

  it("says what is new, and what can't be compared", async () => {
    const [orders, payments, messages] = summary().kpis;
    if (orders === undefined || payments === undefined || messages === undefined) throw new Error("KPIs");
    const nothing = { comparedValue: null, previousValue: null, deltaPercent: null, trend: "flat" } as const;
    const fresh = { ...orders, trend: "new", deltaPercent: null, previousValue: 0 } as const;
    answer("summary", summary({ kpis: [fresh, { ...payments, ...nothing }, messages] }));
    open();
    const card = async (name: string) => (await screen.findByRole("heading", { name })).closest("article");
    expect((await card("Orders Created"))?.textContent).toContain("newfrom 0 to 1,335");
    expect((await card("Payment Success Rate"))?.textContent).toContain("Nothing to compare with");
  });

  it("shows no number for a rate of nothing", async () => {
    open();
    expect(await screen.findByText("No messages in this period")).toBeTruthy();
  });

  it("has a chart that arrow keys read, and a table that says the same", async () => {
    open();
    const chart = within(await panel("Orders and payments"));
    const slider = await chart.findByRole("slider");
    expect(slider.getAttribute("aria-valuetext")).toMatch(/still open: 142 orders, 100 payments$/);
    fireEvent.keyDown(slider, { key: "ArrowLeft" });
    expect(slider.getAttribute("aria-valuetext")).toMatch(/700 orders, 500 payments; before: 600 orders/);
    fireEvent.click(chart.getByRole("radio", { name: "Table" }));
    const total = chart.getByRole("row", { name: /In all/ });
    expect(
      within(total)
        .getAllByRole("cell")
        .map((cell) => cell.textContent),
    ).toEqual(["1,342", "1,050", "1,000", "800"]);
  });

  it("breaks workflows down, by any column", async () => {
    open();
    const health = within(await panel("Workflow health"));
    await health.findByText("Safety limit");
    const names = () => health.getAllByRole("rowheader").map((head) => head.textContent);
    expect(names()).toEqual(["Welcome", "Billing"]);
    fireEvent.click(health.getByRole("button", { name: "Workflow" }));
    expect(names()).toEqual(["Billing", "Welcome"]);
    expect(health.getByRole("columnheader", { name: "Workflow" }).getAttribute("aria-sort")).toBe(
      "ascending",
    );
    await expect.poll(() => asked.at(-1)).toContain("sort=name");
  });

  it("turns the pages of failures by cursor", async () => {
    answer("workflow-health", workflowHealth({ nextCursor: "c2" }));
    open();
    const failures = within(await panel("Recent failures"));
    await failures.findByText("the mail server said no", inList);
    answer("workflow-health", workflowHealth({ recentFailures: [], nextCursor: null }));
    fireEvent.click(failures.getByRole("button", { name: "Older" }));
    expect(await failures.findByText("Page 2")).toBeTruthy();
    expect(asked.at(-1)).toContain("cursor=c2");
    fireEvent.click(failures.getByRole("button", { name: "Newer" }));
    expect(await failures.findByText("the mail server said no", inList)).toBeTruthy();
  });

  it("has insights with their numbers and what to look at next", async () => {
    open();
    const list = within(await panel("Insights"));
    expect(await list.findByText("Welcome has 3 of 3 failures.")).toBeTruthy();
    expect(list.getByText("Share of failures")).toBeTruthy();
    expect(list.getByText("Look at its recent failures.")).toBeTruthy();
    expect(list.getByText("Warning")).toBeTruthy();
  });

  it("says through when it is complete", async () => {
    open();
    expect(await screen.findByText(/2:42:07/)).toBeTruthy();
  });
});

describe("an older API", () => {
  it("is shown without what it doesn't send", async () => {
    const { comparison: _c, completeThrough: _t, ...oldSummary } = summary();
    const kpis = oldSummary.kpis.map(
      ({ previousValue: _p, comparedValue: _v, better: _b, base: _o, decimals: _n, ...kpi }) => kpi,
    );
    const { comparison: _d, previousSeries: _s, ...oldTrends } = trends();
    answer("summary", { ...oldSummary, kpis });
    answer("trends", { ...oldTrends });
    refuse("insights", 404);
    open();
    expect(await screen.findByText("Insights aren’t available")).toBeTruthy();
    expect(await screen.findByText("1,342", { selector: "data" })).toBeTruthy();
    expect(screen.queryByText(/Complete through/)).toBeNull();
    expect(screen.queryByLabelText("Compared with")).toBeNull();
    expect(screen.queryByRole("status")).toBeNull();
    expect(await screen.findByText("by polling")).toBeTruthy();
  });
});

describe("few numbers or none", () => {
  it("says when nothing stands out", async () => {
    answer("insights", insights({ insights: [] }));
    open();
    expect(await screen.findByText("Nothing stands out")).toBeTruthy();
  });

  it("says when insights may lack records", async () => {
    answer("insights", insights({ incompleteSince: "2026-02-25T01:00:00.000Z" }));
    open();
    expect(await screen.findByText(/Some records since .* may be missing/)).toBeTruthy();
  });

  it("says when there is too little data to say something", async () => {
    answer("insights", insights({ insights: [] }));
    answer("trends", trends({ series: [{ ...bucket(0, 1, 1), workflows_total: 1 }] }));
    open();
    expect(await screen.findByText("Too little data to say something")).toBeTruthy();
  });

  it("welcomes an organization nobody has heard of", async () => {
    const nothing = { ...bucket(0, 0, 0), workflows_total: 0, workflows_failed: 0 };
    answer("summary", summary({ organizationName: null, plan: null }));
    answer("trends", { ...trends({ series: [nothing] }), previousSeries: undefined });
    open();
    expect(await screen.findByText("Nothing has been counted yet")).toBeTruthy();
  });
});

describe("trouble", () => {
  it("of one question leaves the rest of the page", async () => {
    refuse("workflow-health", 503);
    open();
    expect((await notice()).textContent).toContain("Part of this page couldn’t be loaded.");
    expect(within(await panel("Workflow health")).getByText("Couldn’t be loaded")).toBeTruthy();
    expect(await screen.findByText("1,342", { selector: "data" })).toBeTruthy();
  });

  it("of all questions is said once for the page", async () => {
    for (const path of ["summary", "trends", "workflow-health", "insights"] as const) refuse(path, 503);
    open();
    expect((await notice()).textContent).toContain("The metrics can’t be read at the moment.");
  });

  it("with the connection is told from trouble at the other end", async () => {
    cut("summary");
    open();
    expect((await notice()).textContent).toContain("Connection lost.");
  });

  it("of old numbers says how old", async () => {
    answer("summary", { stale: true, ...summary() }, { age: "40" });
    open();
    expect((await notice()).textContent).toContain("about 40 s old");
  });

  it("of too many requests waits as long as it is asked to", async () => {
    refuse("summary", 429, { "retry-after": "30" });
    open();
    const { textContent } = await notice();
    expect(textContent).toContain("Too many requests.");
    expect(textContent).toMatch(/Trying again in (30|29) s/);
  });

  it("with the period is said in the API's words", async () => {
    refuse("summary", 400);
    open();
    expect((await notice()).textContent).toContain("this is 400");
    fireEvent.click(screen.getByRole("button", { name: "Show the last 24 hours" }));
    expect(location.search).toBe("?timezone=UTC");
  });
});

describe("the way in", () => {
  it("is a pasted token", async () => {
    open(null);
    fireEvent.change(screen.getByLabelText("Access token"), { target: { value: " Bearer abc " } });
    fireEvent.submit(screen.getByLabelText("Access token"));
    expect(await screen.findByRole("heading", { level: 1, name: "Acme" })).toBeTruthy();
    expect(sessionStorage.getItem("token")).toBe("abc");
  });

  it("is asked for again when the token isn't accepted", async () => {
    refuse("summary", 401);
    open();
    expect((await notice()).textContent).toContain("That token isn’t accepted.");
  });

  it("is closed to a token without an organization, until another is given", async () => {
    refuse("trends", 403);
    open();
    fireEvent.click(await screen.findByRole("button", { name: "Use another token" }));
    expect(await screen.findByLabelText("Access token")).toBeTruthy();
  });
});

it("keeps the view in the address", async () => {
  open();
  await screen.findByRole("heading", { level: 1, name: "Acme" });
  fireEvent.click(screen.getByRole("button", { name: /Period/ }));
  fireEvent.click(await screen.findByRole("button", { name: "Last 7 days" }));
  expect(location.search).toBe("?range=7d&timezone=UTC");
  await expect.poll(() => asked.filter((question) => question.includes("summary?from=")).length).toBe(1);
});
