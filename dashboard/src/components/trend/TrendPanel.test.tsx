// The chart on the page: what it shows of the view, what can be pointed at and chosen in it, and its table.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answer, asked, serve } from "../../testing/api";
import { BEGUN, bucket, overview, trends, workflowTrends } from "../../testing/answers";
import { openPage } from "../../testing/page";
import { tokenOf } from "../../testing/tokens";

/** Nothing has a size in this test's browser. */
vi.mock("./useSize", () => ({ useSize: () => [() => undefined, { width: 800, height: 300 }] }));

serve();
configure({ asyncUtilTimeout: 10_000 });
beforeEach(() => {
  localStorage.clear();
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["en-GB"]);
});
afterEach(cleanup);

const slider = () => screen.findByRole("slider");
const plain = (text: string | null | undefined) => (text ?? "").replaceAll(/[\u00a0\u202f]/g, " ");
const spoken = async () => plain((await slider()).getAttribute("aria-valuetext"));
const press = async (key: string, more: object = {}) => fireEvent.keyDown(await slider(), { key, ...more });
const address = () => new URLSearchParams(location.search);
const drawn = (name: string) => document.querySelectorAll(`svg[data-for="screen"] [${name}]`);
const panel = (name: string) => screen.findByRole("region", { name });
/** The cards that say that the chart shows their figure. */
const marked = () =>
  within(screen.getByRole("region", { name: "Key figures" }))
    .getAllByRole("button", { pressed: true })
    .map((card) => card.textContent);

/** The middle of a bucket of three, in pixels. */
const middleOf = (index: number) => 60 + ((800 - 68) / 3) * (index + 0.5);
const at = (index: number, pointerType = "mouse") => ({
  ...{ clientX: middleOf(index), clientY: 100, button: 0, pointerId: 1, isPrimary: true, pointerType },
});

describe("what is shown", () => {
  it("is a bar for each bucket of a count, with what stood there before", async () => {
    openPage();
    await slider();
    expect([...drawn("data-bar")].map((bar) => bar.getAttribute("data-bar"))).toEqual(
      trends().series.map((one) => one.bucket),
    );
    expect(drawn("data-bar")[2]?.hasAttribute("data-open")).toBe(true);
    expect(drawn("data-before")).toHaveLength(2);
    expect(document.querySelector('[data-total="orders_created"]')?.getAttribute("value")).toBe("1342");
  });

  it("is a line of a rate, with its thresholds", async () => {
    openPage({ search: "?timezone=UTC&metric=payment_success_rate" });
    await slider();
    const region = await panel("Payment success rate");
    expect(drawn("data-bar")).toHaveLength(0);
    expect(drawn("data-line").length).toBeGreaterThan(1);
    expect(plain(region.textContent)).toContain("Warning below 95%");
    expect(plain(region.textContent)).toContain("1,000 of 1,000 payments");
  });

  it("is another metric, chosen by its card", async () => {
    openPage();
    fireEvent.click(await screen.findByRole("button", { name: "Workflow failure rate" }));
    await panel("Workflow failure rate");
    expect(marked()).toEqual(["Workflow failure rate"]);
    expect(address().get("metric")).toBe("workflow_failure_rate");
  });

  it("is the first metric if there is none of that name, and says so", async () => {
    openPage({ search: "?timezone=UTC&metric=nothing" });
    const region = await panel("Orders created");
    expect(within(region).getByRole("note").textContent).toBe("There is no figure “nothing”");
    expect(marked()).toEqual(["Orders created"]);
  });

  it("is the first figure that a workflow has, if none is chosen, and nothing is said of another", async () => {
    answer("trends", workflowTrends());
    openPage({ search: "?timezone=UTC&workflow=w1" });
    const region = await panel("Workflow failure rate");
    expect(screen.queryByRole("region", { name: "Orders created" })).toBeNull();
    await within(region).findByText("of Welcome");
    expect(within(region).queryByRole("note")).toBeNull();
    expect(marked()).toEqual(["Workflow failure rate"]);
    fireEvent.click(await screen.findByRole("button", { name: /^Workflow:/ }));
    await panel("Orders created");
  });

  it("is a workflow's own series, and of another metric if it has none of the wanted one", async () => {
    answer("trends", workflowTrends());
    openPage({ search: "?timezone=UTC&workflow=w1&metric=orders_created" });
    const region = await panel("Workflow failure rate");
    expect(asked.some((question) => /\/metrics\/trends\?.*workflow=w1/.test(question))).toBe(true);
    expect(region.textContent).toContain("of Welcome");
    expect(within(region).getByRole("note").textContent).toBe("Orders created isn’t counted by workflow");
    expect(marked()).toEqual(["Workflow failure rate"]);
    expect(await spoken()).toMatch(/still open: 100\.0% \(1 of 1 workflow runs\)/);
    // The organization's thresholds judge no single workflow.
    expect(drawn("data-limit")).toHaveLength(0);
  });

  it("is a workflow's chosen metric once it is one that the workflow has", async () => {
    answer("trends", workflowTrends());
    openPage({ search: "?timezone=UTC&workflow=w1" });
    await panel("Workflow failure rate");
    fireEvent.click(await screen.findByRole("button", { name: "Average execution time" }));
    await panel("Average execution time");
    expect(marked()).toEqual(["Average execution time"]);
    fireEvent.click(await screen.findByRole("button", { name: /^Workflow:/ }));
    await waitFor(() => expect(address().get("workflow")).toBeNull());
    expect(marked()).toEqual(["Average execution time"]);
  });

  it("is of all workflows once it is a figure that no workflow has, which is said and can be taken back", async () => {
    answer("trends", workflowTrends());
    openPage({ search: "?timezone=UTC&workflow=w1&metric=workflow_failure_rate" });
    await screen.findByRole("button", { name: /^Workflow:/ });
    await slider();
    fireEvent.click(screen.getByRole("button", { name: "Orders created" }));
    await panel("Orders created");
    expect(marked()).toEqual(["Orders created"]);
    expect(address().get("workflow")).toBeNull();
    const note = await screen.findByText(/^Now all workflows are shown, no longer only /);
    fireEvent.click(screen.getByRole("button", { name: "Back to it" }));
    await panel("Workflow failure rate");
    expect(address().get("workflow")).toBe("w1");
    expect(note.isConnected).toBe(false);
  });

  it("is beside cards that say which of them are of all workflows", async () => {
    answer("trends", workflowTrends());
    openPage({ search: "?timezone=UTC&workflow=w1&metric=workflow_failure_rate" });
    await slider();
    const cards = within(screen.getByRole("region", { name: "Key figures" })).getAllByRole("article");
    expect(
      cards.flatMap((card) => (within(card).queryByText("of all workflows") ? card.dataset["kpi"] : [])),
    ).toEqual(["workflow_failure_rate", "avg_execution_time_ms"]);
    for (const name of ["Messages by channel", "Insights"]) {
      expect(await within(await panel(name)).findByText("of all workflows")).toBeTruthy();
    }
  });

  it("is nothing of a series that has no bucket, and says so", async () => {
    answer("overview", overview({ trends: trends({ series: [], previousSeries: [] }) }));
    openPage();
    const region = await panel("Orders created");
    expect(await within(region).findByText("No orders in this period")).toBeTruthy();
    expect(marked()).toEqual(["Orders created"]);
  });

  it("is said to be nothing, if nothing was counted", async () => {
    const nothing = trends({
      series: [bucket(0, 0, 0), bucket(1, 0, 0)],
      previousSeries: [bucket(-1, 0, 0)],
    });
    answer("overview", overview({ trends: nothing }));
    openPage();
    await screen.findByText("Shown here within a second of being counted.");
    expect((await panel("Orders created")).textContent).toContain("No orders in this period");
    expect(screen.queryByRole("slider")).toBeNull();
  });

  it("has no value where there is nothing to be a rate of", async () => {
    const gap = trends({ series: [bucket(0, 5, 9), bucket(1, 5, 0), bucket(2, 5, 7)], previousSeries: [] });
    answer("overview", overview({ trends: gap }));
    openPage({ search: "?timezone=UTC&metric=payment_success_rate" });
    await press("Home");
    await press("ArrowRight");
    expect(await spoken()).toMatch(/01:00: no payments$/);
    const now = document.querySelector('svg[data-for="screen"] [data-line="now"]');
    expect(now?.getAttribute("d")?.match(/[ML]/g)).toEqual(["M", "M"]);
  });
});

describe("the crosshair", () => {
  it("is moved by keys, and tells each bucket's numbers", async () => {
    openPage();
    expect(await spoken()).toMatch(/02:00, still open: 142 orders$/);
    await press("ArrowLeft");
    expect(await spoken()).toMatch(/01:00: 700 orders; Before \(.*22:00.*\): 600 orders$/);
    await press("Home");
    await press("ArrowLeft");
    expect(await spoken()).toMatch(/00:00: 500 orders/);
    await press("End");
    expect(await spoken()).toMatch(/142 orders/);
  });

  it("shows the dates of both periods", async () => {
    openPage();
    fireEvent.pointerMove(await slider(), at(0));
    const tooltip = document.querySelector("[data-tooltip]");
    expect(plain(tooltip?.textContent)).toMatch(/25 Feb.*Orders created500.*Before450.*24 Feb/);
    expect([...(tooltip?.querySelectorAll("time") ?? [])].map((time) => time.dateTime)).toEqual([
      "2026-02-25T00:00:00.000Z",
      "2026-02-24T21:00:00.000Z",
    ]);
    fireEvent.pointerLeave(await slider(), at(0));
    expect(document.querySelector("[data-tooltip]")).toBeNull();
  });

  it("says of a bucket before that it isn't complete, where records begin later", async () => {
    answer("overview", overview({ trends: trends(BEGUN) }));
    openPage({ search: "?timezone=UTC" });
    const words = () => plain(document.querySelector("[data-tooltip]")?.textContent);
    fireEvent.pointerMove(await slider(), at(0));
    await waitFor(() =>
      expect(words()).toMatch(/Before450.*incomplete: records begin on 24 Feb 2026, 22:00$/),
    );
    fireEvent.pointerMove(await slider(), at(1));
    expect(words()).toMatch(/Before600/);
    expect(words()).not.toContain("incomplete");
    const legend = document.querySelector('[data-legend="before"]');
    expect(plain(legend?.textContent)).toContain("incomplete: records begin on 24 Feb 2026, 22:00");
  });

  it("has percentiles as estimates", async () => {
    openPage({ search: "?timezone=UTC&metric=avg_execution_time_ms" });
    fireEvent.pointerMove(await slider(), at(0));
    const words = plain(document.querySelector("[data-tooltip]")?.textContent);
    expect(words).toMatch(/1\.23 s.*over 4 workflow runs.*p50 \(estimate\)900 ms.*p95 \(estimate\)4\.1 s/);
    fireEvent.click(screen.getByRole("button", { name: "Percentiles (estimates)", pressed: true }));
    expect(drawn('data-line="p95_execution_time_ms"')).toHaveLength(0);
  });
});

describe("a selection", () => {
  const zoomed = { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T02:00:00.000Z" };
  const expectZoomed = () =>
    waitFor(() => expect([address().get("from"), address().get("to")]).toEqual([zoomed.from, zoomed.to]));
  const drag = async (pointerType: string) => {
    const chart = await slider();
    fireEvent.pointerDown(chart, at(1, pointerType));
    fireEvent.pointerMove(chart, at(0, pointerType));
    return chart;
  };

  it("by mouse zooms in to whole buckets", async () => {
    openPage();
    const chart = await drag("mouse");
    expect(await spoken()).toMatch(/^Selected .*: 1,200$/);
    expect(document.querySelector("[data-tooltip]")?.textContent).toContain("1,200");
    expect(address().has("from")).toBe(false);
    fireEvent.pointerUp(chart, at(0));
    await expectZoomed();
  });

  it("by finger zooms in when it is confirmed: a finger also moves the crosshair", async () => {
    openPage();
    const chart = await drag("touch");
    fireEvent.pointerUp(chart, at(0, "touch"));
    expect(address().has("from")).toBe(false);
    fireEvent.click(screen.getByRole("button", { name: /^Zoom in to / }));
    await expectZoomed();
  });

  it("ends when the finger scrolls the page", async () => {
    openPage();
    fireEvent.pointerCancel(await drag("touch"), at(0, "touch"));
    expect(document.querySelector("[data-selection]")).toBeNull();
    expect(screen.queryByRole("button", { name: /^Zoom in to / })).toBeNull();
  });

  it("is given up by Escape", async () => {
    openPage();
    const chart = await drag("mouse");
    expect(document.querySelector("[data-selection]")).not.toBeNull();
    await press("Escape");
    expect(document.querySelector("[data-selection]")).toBeNull();
    fireEvent.pointerUp(chart, at(0));
    expect(address().has("from")).toBe(false);
  });

  it("isn't made by a click", async () => {
    openPage();
    const chart = await slider();
    fireEvent.pointerDown(chart, at(1));
    fireEvent.pointerMove(chart, { ...at(1), clientX: middleOf(1) + 2 });
    fireEvent.pointerUp(chart, at(1));
    expect(document.querySelector("[data-selection]")).toBeNull();
    expect(document.querySelector("[data-tooltip]")?.textContent).toContain("700");
    expect(address().has("from")).toBe(false);
  });

  describe("of a day", () => {
    const day = { from: "2026-02-24T00:00:00.000Z", to: "2026-02-25T00:00:00.000Z" };
    const openDays = () => {
      const range = { ...day, to: "2026-02-26T00:00:00.000Z", granularity: "day", timezone: "UTC" } as const;
      const series = [bucket(-24, 500, 9), bucket(0, 842, 9, true)];
      answer("overview", overview({ trends: trends({ range, series, previousSeries: [] }) }));
      openPage({ search: "?timezone=UTC&range=7d&granularity=day" });
    };
    const expectHours = () =>
      waitFor(() =>
        expect(["from", "to", "granularity"].map((name) => address().get(name))).toEqual([
          ...[day.from, day.to],
          null,
        ]),
      );
    /** The middle of the first of two. */
    const first = (pointerType: string) => ({ ...at(0, pointerType), clientX: 60 + (800 - 68) / 4 });

    it("shows its hours, by a click, as the tooltip says", async () => {
      openDays();
      const chart = await slider();
      fireEvent.pointerMove(chart, first("mouse"));
      expect(await screen.findByText("Click, or press Enter, for the hours of this day.")).toBeTruthy();
      fireEvent.pointerDown(chart, first("mouse"));
      fireEvent.pointerUp(chart, first("mouse"));
      await expectHours();
    });

    it("is undone in another zone, too", async () => {
      openDays();
      await press("Home");
      await press("Enter");
      await expectHours();
      fireEvent.click(screen.getByRole("button", { name: /^Time zone:/ }));
      const box = await screen.findByRole("combobox", { name: "Find a time zone" });
      fireEvent.change(box, { target: { value: "Berlin" } });
      fireEvent.keyDown(box, { key: "Enter" });
      await waitFor(() => expect(address().get("from")).toBe("2026-02-23T23:00:00.000Z"));
      fireEvent.click(await screen.findByRole("button", { name: "Zoom out" }));
      await waitFor(() => expect(address().get("range")).toBe("7d"));
      expect(address().get("timezone")).toBe("Europe/Berlin");
    });

    it("shows its hours, by Enter", async () => {
      openDays();
      await press("Home");
      await press("Enter");
      await expectHours();
    });

    it("shows its hours after a tap, when that is confirmed", async () => {
      openDays();
      const chart = await slider();
      fireEvent.pointerDown(chart, first("touch"));
      fireEvent.pointerUp(chart, first("touch"));
      expect(address().has("from")).toBe(false);
      fireEvent.click(screen.getByRole("button", { name: /^Zoom in to .*24/ }));
      await expectHours();
    });

    it("shows its hours, from the table", async () => {
      openDays();
      fireEvent.click(await screen.findByRole("radio", { name: "Table" }));
      fireEvent.click(await screen.findByRole("button", { name: /24 Feb/ }));
      await expectHours();
    });
  });

  it("is made by keys, and Enter zooms in", async () => {
    openPage();
    await press("Home");
    await press("ArrowRight", { shiftKey: true });
    expect(await spoken()).toMatch(/^Selected .*: 1,200$/);
    await press("Enter");
    await expectZoomed();
  });

  it("is undone by the browser's history", async () => {
    openPage();
    const back = vi.spyOn(history, "back");
    fireEvent.pointerUp(await drag("mouse"), at(0));
    fireEvent.click(await screen.findByRole("button", { name: "Zoom out" }));
    expect(back).toHaveBeenCalledOnce();
  });

  it("is undone without undoing what was chosen since", async () => {
    openPage({ search: "?timezone=UTC&range=7d" });
    const back = vi.spyOn(history, "back");
    fireEvent.pointerUp(await drag("mouse"), at(0));
    await expectZoomed();
    fireEvent.click(await screen.findByRole("button", { name: "Average execution time" }));
    await panel("Average execution time");
    fireEvent.click(await screen.findByRole("button", { name: "Zoom out" }));
    await waitFor(() => expect(address().get("range")).toBe("7d"));
    expect(address().get("metric")).toBe("avg_execution_time_ms");
    expect(back).not.toHaveBeenCalled();
  });
});

describe("the table", () => {
  const rows = async (search: string) => {
    openPage({ search });
    fireEvent.click(await screen.findByRole("radio", { name: "Table" }));
    const table = within(await screen.findByRole("region", { name: / over time$/ })).getByRole("table");
    return [...table.querySelectorAll("tr")].map((row) =>
      [...row.cells].map((cell) => plain(cell.textContent)),
    );
  };

  it("has the chart's numbers, those before, and their totals", async () => {
    const all = await rows("?timezone=UTC");
    expect(all.slice(-4)).toEqual([
      [expect.stringContaining("00:00"), "500", "450"],
      [expect.stringContaining("01:00"), "700", "600"],
      [expect.stringContaining("still open"), "142", ""],
      ["Total", "1,342", "1,050"],
    ]);
  });

  it("says that what is compared with isn't complete", async () => {
    answer("overview", overview({ trends: trends(BEGUN) }));
    const [periods] = await rows("?timezone=UTC");
    expect(periods?.at(-1)).toMatch(/^Period before: .*incomplete: records begin on 24 Feb 2026, 22:00$/);
  });

  it("leads to the thresholds of a rate, as the chart does", async () => {
    const token = tokenOf({ organization_id: "org_acme", scope: "metrics:read settings:read" });
    openPage({ token, search: "?timezone=UTC&metric=payment_success_rate" });
    fireEvent.click(await screen.findByRole("radio", { name: "Table" }));
    const region = await panel("Payment success rate");
    await within(region).findByRole("table");
    expect(within(region).getByRole("button", { name: "Thresholds" })).toBeTruthy();
  });

  it("has a rate's parts, whose total isn't the sum of rates", async () => {
    const [one, other] = [bucket(0, 0, 90), bucket(1, 0, 10)];
    const series = [
      { ...one, payments_successful: 45, payment_success_rate: 50 },
      { ...other, payments_successful: 10, payment_success_rate: 100 },
      bucket(2, 0, 0),
    ];
    answer("overview", overview({ trends: { ...trends({ series }), comparison: null } }));
    const all = await rows("?timezone=UTC&metric=payment_success_rate");
    expect(all[0]?.slice(1)).toEqual(["Payment success rate", "Successful payments", "Payments"]);
    expect(all.slice(1).map((row) => row.slice(1))).toEqual([
      ["50.0%", "45", "90"],
      ["100.0%", "10", "10"],
      ["–", "0", "0"],
      ["55.0%", "55", "100"],
    ]);
  });
});
