// The page in each of its states, with an API in the same process. The panels have tests of their own.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen } from "@testing-library/react";
import { HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Overview, Summary } from "./api/answers";
import { answer, answerTo, asked, cut, refuse, serve } from "./testing/api";
import { BEGUN, bucket, overview, summary, trends } from "./testing/answers";
import { openPage } from "./testing/page";
import { spoken } from "./texts";

/** The limit for an element to appear on a busy machine. */
const APPEARS_WITHIN_MS = 10_000;

serve();
configure({ asyncUtilTimeout: APPEARS_WITHIN_MS });
beforeEach(() => localStorage.clear());
afterEach(cleanup);

/** From now on the overview has this summary. */
function answerSummary(part: Partial<Summary>, more: Partial<Overview> = {}): void {
  answer("overview", overview({ summary: summary(part), ...more }));
}

const kpisWith = (key: string, part: Partial<Summary["kpis"][number]>) =>
  summary().kpis.map((kpi) => (kpi.key === key ? { ...kpi, ...part } : kpi));

const button = (name: string | RegExp) => screen.findByRole("button", { name });

/** The card of a KPI. Its texts have spaces that don't break. */
async function cardOf(name: string): Promise<{ element: HTMLElement; text: string }> {
  const element = (await button(name)).closest("article");
  if (element === null) throw new Error(`${name} has no card`);
  return { element, text: (element.textContent ?? "").replaceAll("\u00a0", " ") };
}

const partOf = (element: HTMLElement, part: string) =>
  element.querySelector(`[data-part="${part}"]`)?.getAttribute("value");

/** The words of the notice about the page as a whole. */
async function notice(words: RegExp): Promise<string> {
  const statuses = await screen.findAllByText(words);
  return statuses[0]?.closest('[role="status"]')?.textContent ?? "";
}

const overviews = () => asked.filter((question) => question.includes("/metrics/overview"));

describe("the cards", () => {
  it("have value, change, and what it is between, as the API has computed them", async () => {
    openPage();
    const { element, text } = await cardOf("Orders created");
    expect(text).toContain("1,342");
    // What is compared ends with a quarter of an hour; the value goes on.
    expect(text).toContain("+16.1%betterfrom 1,150 to 1,335 by 02:30");
    const [now, before, change] = ["now", "before", "change"].map((part) => Number(partOf(element, part)));
    expect(partOf(element, "value")).toBe("1342");
    expect(Math.round((1_000 * ((now ?? 0) - (before ?? 0))) / (before ?? 0)) / 10).toBe(change);
  });

  it("say what is compared, in full, so that the change can be checked by hand", async () => {
    openPage();
    const lines = (await button("Orders created")).title.replaceAll(/[\u2009\u202f\u00a0]/g, " ").split("\n");
    const interval = (from: string, to: string) => new RegExp(`${from}.*${to}`);
    const [compared = "", goneOn = ""] = lines;
    expect(compared).toMatch(/^Compared: 1,335 \(.*25.* – .*\) with 1,150 \(.*24.* – .*25.*\)$/);
    expect(compared).toMatch(interval("2:30", "9:30|21:30"));
    expect(goneOn).toMatch(
      /^What came after .*2:30.* is in the value only: full quarters of an hour are compared\.$/,
    );
    // Its value is the one that is compared.
    expect((await button("Payment success rate")).title).toMatch(
      /^Compared: 84.1% .* with 91.6% [^\n]*\n(?!What came)/m,
    );
  });

  it("compare rates in percentage points", async () => {
    openPage();
    const { element, text } = await cardOf("Payment success rate");
    expect(text).toContain("84.1%");
    expect(text).toContain("−7.5 ptsworsefrom 91.6%");
    expect(partOf(element, "change")).toBe("-7.5");
  });

  it("say what is new, what is more than tenfold, and what is the same", async () => {
    const fresh = { trend: "new", deltaPercent: null, previousValue: 0 } as const;
    answerSummary({ kpis: kpisWith("orders_created", fresh) });
    openPage();
    expect((await cardOf("Orders created")).text).toContain("Newnothing before");
    const { text } = await cardOf("Average execution time");
    expect(text).toContain("> 10×worsefrom 24.5 ms");
    expect(text).not.toContain("4,938");
    expect((await cardOf("Workflow failure rate")).text).toContain("No changefrom 25.0%");
  });

  it("judge no change from an interval that records don’t cover, and say why", async () => {
    answerSummary(BEGUN);
    openPage();
    expect((await cardOf("Orders created")).text).toContain("+16.1%from 1,150, incomplete");
    expect((await cardOf("Payment success rate")).text).toContain("−7.5 ptsfrom 91.6%, incomplete");
    const { element, text } = await cardOf("Average execution time");
    expect(text).toContain("> 10×from 24.5 ms, incomplete");
    expect(element.querySelector('.text-muted > [data-part="change"]')).not.toBeNull();
    expect((await button("Average execution time")).title).toMatch(/^incomplete: records begin on .*24/m);
    cleanup();
    const fresh = { trend: "new", deltaPercent: null, previousValue: 0 } as const;
    answerSummary({ ...BEGUN, kpis: kpisWith("orders_created", fresh) });
    openPage();
    expect((await cardOf("Orders created")).text).toContain("Newrecords begin later");
  });

  it("say no change where nothing is compared", async () => {
    const nothing = { comparedValue: null, previousValue: null, deltaPercent: null, deltaPoints: null };
    const kpis = summary().kpis.map((kpi) => ({ ...kpi, ...nothing, trend: "flat" as const }));
    answerSummary({ kpis, comparison: null });
    openPage();
    expect((await cardOf("Orders created")).text).toContain("Too early to compare");
    cleanup();
    openPage({ search: "?compare=none&timezone=UTC" });
    expect((await cardOf("Orders created")).text).toBe("Orders created1,342");
  });

  it("flag exceptions only, and call no data no data", async () => {
    openPage();
    expect((await cardOf("Payment success rate")).text).toContain("Critical");
    const { element, text } = await cardOf("Message delivery rate");
    expect(text).toContain("No dataNo messages in this period");
    expect(partOf(element, "value")).toBeUndefined();
    expect(screen.queryByText("Healthy")).toBeNull();
  });

  it("shorten what is long, and have it in full when asked", async () => {
    answerSummary({ kpis: kpisWith("orders_created", { value: 12_408 }) });
    openPage();
    expect((await cardOf("Orders created")).text).toContain("12.4K");
    expect((await button("Orders created")).title).toContain("Exactly 12,408");
  });

  it("choose what the chart shows, in the address", async () => {
    openPage();
    expect((await button("Orders created")).getAttribute("aria-pressed")).toBe("true");
    const asked = overviews().length;
    fireEvent.click(await button("Payment success rate"));
    expect((await button("Payment success rate")).getAttribute("aria-pressed")).toBe("true");
    expect((await button("Orders created")).getAttribute("aria-pressed")).toBe("false");
    await expect.poll(() => location.search).toContain("metric=payment_success_rate");
    expect(overviews()).toHaveLength(asked);
  });
});

describe("how fresh the numbers are", () => {
  const freshness = async () =>
    (await screen.findByText(/Complete/, { selector: "[data-freshness], [data-freshness] *" })).closest(
      "[data-freshness]",
    );

  it("is told with an age in words", async () => {
    openPage();
    expect((await freshness())?.textContent).toMatch(/^Complete through 0?2:42:07( AM)?, just now$/);
    expect((await freshness())?.hasAttribute("data-old")).toBe(false);
  });

  it("is told with a date, and flagged, when it is old", async () => {
    answerSummary({ completeThrough: "2026-02-22T01:00:00.000Z" });
    openPage();
    const old = await freshness();
    expect(old?.textContent).toMatch(/22.*, 3 days ago$/);
    expect(old?.getAttribute("role")).toBe("status");
  });

  it("is that of the headers, whatever a copy has", async () => {
    answer("overview", overview(), { "complete-through": "2026-02-25T02:30:00.000Z" });
    openPage();
    const through = (await freshness())?.querySelector("time")?.dateTime;
    expect(through).toBe("2026-02-25T02:30:00.000Z");
  });

  it("explains by a click that complete isn't final", async () => {
    openPage();
    const shown = await freshness();
    expect(shown?.getAttribute("title")).toContain("arrive late");
    fireEvent.click(shown as HTMLElement);
    const dialog = await screen.findByRole("dialog", { name: "Complete" });
    expect(dialog.textContent).toContain(
      "Records that arrive late are still added, also to days that are over",
    );
  });

  it("is nothing while a partition has never been read", async () => {
    answerSummary({ completeThrough: null });
    openPage();
    expect(await screen.findByText("Not complete yet")).toBeTruthy();
  });
});

describe("a range that begins with nothing", () => {
  const nothing = { ...bucket(0, 0, 0), workflows_total: 0, workflows_failed: 0 };
  const day = (date: number, orders: number) => ({
    ...nothing,
    bucket: new Date(Date.UTC(2026, 1, date)).toISOString(),
    orders_created: orders,
  });
  const range = {
    from: "2026-02-20T00:00:00.000Z",
    to: "2026-02-23T00:00:00.000Z",
    granularity: "day",
    timezone: "UTC",
  } as const;
  const shows = (days: number[]) => {
    const series = days.map((orders, index) => day(20 + index, orders));
    answerSummary({ range, comparison: null }, { trends: trends({ range, series, comparison: null }) });
  };

  it("says so beside “complete”, of which nobody could tell", async () => {
    shows([0, 7, 0]);
    openPage();
    expect((await screen.findByText(/^Nothing counted before/)).textContent).toMatch(/21/);
    expect(screen.getByText("Complete")).toBeTruthy();
  });

  it("says so of all of it", async () => {
    shows([0, 0, 0]);
    openPage();
    expect(await screen.findByText("Nothing counted")).toBeTruthy();
  });

  it("says nothing where its first day has something", async () => {
    shows([1, 0, 0]);
    openPage();
    await screen.findByText("Complete");
    expect(screen.queryByText(/^Nothing counted/)).toBeNull();
  });
});

describe("the range", () => {
  const shown = async () => (await screen.findByText(/Feb/, { selector: "[data-range]" })).textContent ?? "";

  it("is that of the answer, and says when it was limited", async () => {
    const range = {
      from: "2025-11-28T00:00:00.000Z",
      to: "2026-02-26T00:00:00.000Z",
      granularity: "day",
      timezone: "UTC",
    } as const;
    answerSummary({ range });
    openPage({ search: "?from=2024-01-01T00:00:00Z&to=2026-02-25T00:00:00Z&timezone=UTC" });
    expect(await shown()).toMatch(/28.*2025.*25.*2026/);
    expect((await screen.findByRole("note")).textContent).toBe("shortened to 90 days");
  });

  it("says when the chosen period hasn't begun", async () => {
    openPage({ search: "?from=2026-04-01T00:00:00Z&to=2026-05-01T00:00:00Z&timezone=UTC" });
    expect((await screen.findByRole("note")).textContent).toContain("hasn’t begun");
  });

  it("says nothing where it is the one that was chosen", async () => {
    openPage({ search: `?from=${summary().range.from}&to=${summary().range.to}&timezone=UTC` });
    expect(await shown()).not.toBe("");
    expect(screen.queryByRole("note")).toBeNull();
  });

  it("is the server's day, whatever the browser's clock says", async () => {
    openPage({ search: "?range=today&timezone=UTC" });
    await cardOf("Orders created");
    const days = overviews().map((question) => new URL(question, "http://page").searchParams.get("from"));
    expect(days.at(-1)).toBe("2026-02-25T00:00:00.000Z");
    // The first question was about the browser's day, so its answer isn't shown.
    expect(days).toHaveLength(2);
  });
});

describe("what isn't understood", () => {
  it("of the address is said, and can be dismissed", async () => {
    openPage({ search: "?timezone=%2B03:00&range=eternity" });
    expect(await screen.findByText(/“\+03:00” isn’t known/)).toBeTruthy();
    expect(await screen.findByText(/“eternity” can’t be used as period/)).toBeTruthy();
    for (const dismiss of screen.getAllByRole("button", { name: "Dismiss" })) fireEvent.click(dismiss);
    expect(screen.queryByText(/isn’t known|can’t be used/)).toBeNull();
    expect((await cardOf("Orders created")).text).toContain("1,342");
  });

  it("of the system is said", async () => {
    const told = { ...new Intl.DateTimeFormat("en").resolvedOptions(), timeZone: "Foo/Bar" };
    vi.spyOn(Intl.DateTimeFormat.prototype, "resolvedOptions").mockReturnValue(told);
    openPage({ search: "" });
    expect(await screen.findByText(/system’s time zone isn’t known. Times are of UTC/)).toBeTruthy();
    expect((await cardOf("Orders created")).text).toContain("1,342");
  });

  it("of its languages is said, too", async () => {
    vi.spyOn(navigator, "languages", "get").mockReturnValue(["C"]);
    openPage();
    expect(await screen.findByText(/system’s language isn’t known/)).toBeTruthy();
    expect((await cardOf("Orders created")).text).toContain("1,342");
  });
});

describe("the header", () => {
  it("has name, plan, and the alerts with what they are of", async () => {
    openPage();
    expect(await screen.findByRole("heading", { level: 1, name: "Acme" })).toBeTruthy();
    expect(screen.getByText("pro plan")).toBeTruthy();
    fireEvent.click(await button(/^1 alert/));
    expect(await screen.findByText("84.1% of 1,000 payments succeeded, which is below 85.0%.")).toBeTruthy();
    fireEvent.click(await screen.findByRole("link", { name: "Payments are failing" }));
    await expect.poll(() => location.search).toContain("metric=payment_success_rate");
  });

  it("has no word of health while nothing is wrong", async () => {
    answerSummary({ alerts: [], systemHealth: { status: "healthy", alertCount: 0 } });
    openPage();
    await cardOf("Orders created");
    expect(screen.queryByRole("button", { name: /alert/ })).toBeNull();
    expect(document.title).toBe("Acme – Business metrics");
  });

  it("shows its state in the tab", async () => {
    const icon = document.head.appendChild(document.createElement("link"));
    icon.rel = "icon";
    openPage();
    await expect.poll(() => document.title).toBe("⚠ 1 alert – Acme – Business metrics");
    expect(icon.getAttribute("href")).toBe("/assets/icon-critical.svg");
    icon.remove();
  });
});

describe("the link to these numbers", () => {
  const STILL_OPEN = /^This period isn’t over yet: the numbers behind this link change until .*0?4:00/;

  it("says that late records still change it if all of it is over", async () => {
    vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    const series = trends().series.map((one) => ({ ...one, open: false }));
    answer("overview", overview({ trends: trends({ series }) }));
    openPage({ search: "?timezone=UTC" });
    await cardOf("Orders created");
    fireEvent.click(await button("Copy link"));
    expect(await button("Link copied")).toBeTruthy();
    expect(screen.queryByText(/isn’t over yet/)).toBeNull();
    expect(screen.getByText("Late records still change these numbers.")).toBeTruthy();
  });

  it("is copied: with range and zone, without the token", async () => {
    const copied: string[] = [];
    vi.stubGlobal("navigator", {
      ...navigator,
      languages: ["en"],
      clipboard: { writeText: (text: string) => Promise.resolve(void copied.push(text)) },
    });
    openPage({ search: "?range=today&timezone=Europe/Berlin" });
    await cardOf("Orders created");
    fireEvent.click(await button("Copy link"));
    expect(await button("Link copied")).toBeTruthy();
    expect(screen.getByText(STILL_OPEN)).toBeTruthy();
    const { searchParams, hash } = new URL(copied[0] ?? "");
    expect(Object.fromEntries(searchParams)).toMatchObject({
      from: summary().range.from,
      to: summary().range.to,
      timezone: "Europe/Berlin",
      metric: "orders_created",
      compare: "previous_period",
    });
    expect(hash).toBe("");
    expect(copied[0]).not.toContain("secret");
    vi.unstubAllGlobals();
  });

  it("is shown for a person to copy where the browser doesn't let the page", async () => {
    openPage();
    await cardOf("Orders created");
    vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new Error("not allowed"));
    fireEvent.click(await button("Copy link"));
    const field = await screen.findByLabelText(/Copy the link from here/);
    expect((field as HTMLInputElement).value).toContain(`from=${summary().range.from}`);
    expect(await screen.findByText(/^This period isn’t over yet/)).toBeTruthy();
  });
});

it("welcomes an organization nobody has heard of", async () => {
  const nothing = { ...bucket(0, 0, 0), workflows_total: 0, workflows_failed: 0 };
  const empty = trends({ series: [nothing] });
  delete empty.previousSeries;
  answerSummary({ organizationName: null, plan: null }, { trends: empty });
  openPage();
  expect(await screen.findByText("Nothing has been counted yet")).toBeTruthy();
  // In place of the cards, which nobody can see or reach.
  expect((await cardOf("Orders created")).element.closest("[inert]")).not.toBeNull();
});

it("speaks German", async () => {
  openPage({ spoken: await spoken("de") });
  expect((await cardOf("Bestellungen")).text).toContain("1.342");
  expect((await cardOf("Erfolgreiche Zahlungen")).text).toMatch(/−7,5 Pp\.schlechtervorher 91,6 %/);
  expect(screen.queryByText(/Complete|Orders|Copy link|workflow runs/)).toBeNull();
});

describe("trouble", () => {
  it("with the service is said once for the page", async () => {
    refuse("overview", 503);
    openPage();
    expect(await notice(/The metrics can’t be read at the moment/)).toMatch(/Trying again in [45] s/);
  });

  it("with the connection is told from trouble at the other end", async () => {
    cut("overview");
    openPage();
    expect(await notice(/Connection lost/)).toContain("Try now");
    expect(document.title).toBe("⚠ No connection – Business metrics");
  });

  it("leaves the numbers that are there", async () => {
    openPage();
    await cardOf("Orders created");
    cut("overview");
    fireEvent.click(await button("Refresh"));
    expect(await notice(/Connection lost/)).toMatch(/These numbers are from .*2:42:/);
    expect((await cardOf("Orders created")).text).toContain("1,342");
  });

  it("of old numbers says how old", async () => {
    answer("overview", overview({ summary: { stale: true, ...summary() } }), { age: "140" });
    openPage();
    expect(await notice(/last known numbers/)).toContain("2 minutes ago");
  });

  it("of too many requests waits as long as it is asked to", async () => {
    refuse("overview", 429, { "retry-after": "30" });
    openPage();
    expect(await notice(/Too many requests/)).toMatch(/Trying again in (30|29) s/);
  });

  it("with the period is said in the API's words", async () => {
    refuse("overview", 400);
    openPage({ search: "?range=7d&timezone=UTC" });
    expect(await notice(/This period can’t be shown/)).toContain("this is 400");
    answer("overview", overview());
    fireEvent.click(await button("Show the last 24 hours"));
    await expect.poll(() => location.search).toBe("?timezone=UTC");
  });

  it("with the token leads out of the page", async () => {
    refuse("overview", 403);
    openPage();
    await expect.poll(() => screen.queryByRole("banner")).toBeNull();
  });
});

it("asks for everything at once, with what the address says", async () => {
  answerTo("get", "/metrics/overview", () => HttpResponse.json(overview()));
  openPage({ search: "?range=7d&timezone=America/New_York&granularity=hour&compare=previous_week" });
  await cardOf("Orders created");
  const { searchParams } = new URL(overviews().at(-1) ?? "", "http://page");
  expect(Object.fromEntries(searchParams)).toMatchObject({
    timezone: "America/New_York",
    granularity: "hour",
    compare: "previous_week",
  });
  expect(asked.filter((question) => /\/(summary|trends|insights)/.test(question))).toEqual([]);
});
