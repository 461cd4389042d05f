// The period's button, its arrows, its presets, and its calendar.
//
// @vitest-environment happy-dom

import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import type { Range } from "../../api/answers";
import { spoken } from "../../texts";
import { expectAddress, renderAlone } from "../../testing/around";
import { answerSettings, serve } from "../../testing/api";
import { RangePicker } from "./RangePicker";

serve();
afterEach(cleanup);

/** A Wednesday. */
const NOW = new Date("2026-02-25T10:30:00Z");

function open(search = "", shown: Range | null = null): void {
  renderAlone(<RangePicker now={() => NOW} shown={shown} />, { search: `?timezone=Europe/Berlin${search}` });
}
const trigger = () => screen.getByRole("button", { name: /^Period:/ });
async function panel() {
  fireEvent.click(trigger());
  const dialog = within(await screen.findByRole("dialog", { name: "Period" }));
  await dialog.findByRole("list", { name: "Usual periods" });
  return dialog;
}

describe("the button", () => {
  it("names the preset", () => {
    open("&range=last-week");
    expect(trigger().textContent).toBe("Period: Last week");
  });

  it("names the days of a fixed interval, and less if the API has limited it", () => {
    const days = "&from=2025-12-31T23:00:00.000Z&to=2026-01-31T23:00:00.000Z";
    open(days);
    expect(trigger().textContent).toMatch(/1\s?–\s?31 Jan 2026|Jan 1\s–\s31, 2026/);
    cleanup();
    open(days, {
      from: "2026-01-09T23:00:00.000Z",
      to: "2026-01-31T23:00:00.000Z",
      granularity: "day",
      timezone: "Europe/Berlin",
    });
    expect(trigger().textContent).toMatch(/10\s?–\s?31 Jan 2026|Jan 10\s–\s31, 2026/);
  });
});

it("names the range of the answer on the button, not the times that it was rounded from", () => {
  open("&from=2026-02-01T23:00:00.000Z&to=2026-02-20T22:30:00.000Z", {
    from: "2026-02-01T23:00:00.000Z",
    to: "2026-02-20T23:00:00.000Z",
    granularity: "day",
    timezone: "Europe/Berlin",
  });
  expect(trigger().textContent).toMatch(/2\s?–\s?20 Feb 2026|Feb 2\s–\s20, 2026/);
});

describe("the arrows", () => {
  it("go to the period before, and back to one that moves with the clock", async () => {
    open("&range=today");
    const next = screen.getByRole("button", { name: "Next period" });
    expect(next.getAttribute("aria-disabled")).toBe("true");
    fireEvent.click(next);
    expect(trigger().textContent).toBe("Period: Today");
    fireEvent.click(screen.getByRole("button", { name: "Previous period" }));
    expect(trigger().textContent).toBe("Period: Yesterday");
    fireEvent.click(screen.getByRole("button", { name: "Previous period" }));
    await expectAddress({ from: "2026-02-22T23:00:00.000Z", to: "2026-02-23T23:00:00.000Z", range: null });
    expect(next.getAttribute("aria-disabled")).toBe("false");
    fireEvent.click(next);
    fireEvent.click(next);
    await expectAddress({ from: null, to: null, range: "today" });
  });
});

describe("presets", () => {
  it("apply at once, and give the focus back", async () => {
    open("&range=7d&granularity=hour");
    const presets = await panel();
    const chosen = presets.getByRole("button", { name: /^Last 7 days/, pressed: true });
    expect(document.activeElement).toBe(chosen);
    fireEvent.keyDown(chosen, { key: "ArrowDown" });
    expect(document.activeElement?.textContent).toMatch(/^Last 30 days/);
    fireEvent.click(presets.getByRole("button", { name: /^Quarter to date/ }));
    await expectAddress({ range: "quarter", granularity: null });
    await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
    expect(document.activeElement).toBe(trigger());
  });

  it("speak German", async () => {
    renderAlone(<RangePicker now={() => NOW} shown={null} />, { spoken: await spoken("de") });
    expect(screen.getByRole("button", { name: /^Zeitraum:/ }).textContent).toContain("Letzte 24 Stunden");
  });
});

describe("the calendar", () => {
  const day = (name: RegExp) => screen.getByRole("button", { name });

  it("ends with the server's today, and shows the chosen days", async () => {
    open("&range=7d");
    await panel();
    expect(day(/^Today, .*25.*, selected$/)).toBeTruthy();
    expect(day(/19 February 2026|February 19, 2026/).getAttribute("aria-label")).toMatch(/selected$/);
    const tomorrow = day(/26 February 2026|February 26, 2026/);
    expect(tomorrow.getAttribute("aria-disabled")).toBe("true");
    const next = screen.getByRole("button", { name: "Next month" });
    expect(next.getAttribute("aria-disabled")).toBe("true");
  });

  it("chooses from one day to another", async () => {
    open("&range=today");
    const dialog = await panel();
    fireEvent.click(day(/10 February 2026|February 10, 2026/));
    fireEvent.click(day(/12 February 2026|February 12, 2026/));
    expect(dialog.getByLabelText<HTMLInputElement>("From").value).toBe("2026-02-10");
    expect(dialog.getByLabelText<HTMLInputElement>("To").value).toBe("2026-02-12");
    fireEvent.click(dialog.getByRole("button", { name: "Show 3 days" }));
    await expectAddress({ from: "2026-02-09T23:00:00.000Z", to: "2026-02-12T23:00:00.000Z" });
  });

  it("says after the first click what Show would show", async () => {
    open("&range=7d");
    const dialog = await panel();
    fireEvent.click(day(/10 February 2026|February 10, 2026/));
    const values = () => ["From", "To"].map((label) => dialog.getByLabelText<HTMLInputElement>(label).value);
    expect(values()).toEqual(["2026-02-10", "2026-02-10"]);
    fireEvent.click(dialog.getByRole("button", { name: "Show 1 day" }));
    await expectAddress({ from: "2026-02-09T23:00:00.000Z", to: "2026-02-10T23:00:00.000Z" });
  });

  it("chooses by the keyboard", async () => {
    open("&range=today");
    const dialog = await panel();
    const today = day(/^Today, /);
    today.focus();
    for (const key of ["ArrowUp", "Enter", "ArrowRight", "Enter"]) {
      const focused = document.activeElement ?? today;
      fireEvent.keyDown(focused, { key });
      fireEvent.keyUp(focused, { key });
    }
    expect(dialog.getByLabelText<HTMLInputElement>("From").value).toBe("2026-02-18");
  });

  it("writes no style element, which the policy forbids", async () => {
    // React Aria leaves it out of tests by itself.
    const before = process.env["NODE_ENV"];
    process.env["NODE_ENV"] = "production";
    try {
      open("&range=today");
      await panel();
      expect(day(/^Today, /)).toBeTruthy();
      expect(document.querySelector("style")).toBeNull();
    } finally {
      process.env["NODE_ENV"] = before;
    }
  });
});

describe("typed ends", () => {
  const type = (label: string, value: string) =>
    fireEvent.change(screen.getByLabelText(label), { target: { value } });

  it("may have times", async () => {
    open("&range=today");
    const dialog = await panel();
    type("From", "2026-02-20");
    type("From, time", "09:30");
    type("To", "2026-02-20");
    type("To, time", "17:00");
    fireEvent.click(dialog.getByRole("button", { name: "Show 1 day" }));
    await expectAddress({ from: "2026-02-20T08:30:00.000Z", to: "2026-02-20T16:00:00.000Z" });
  });

  it("within days need hours, which stay when an end is changed", async () => {
    open("&range=7d");
    const dialog = await panel();
    type("From", "2026-02-10");
    type("To", "2026-02-20");
    type("To, time", "23:30");
    fireEvent.click(dialog.getByRole("button", { name: "Show 11 days" }));
    await expectAddress({ to: "2026-02-20T22:30:00.000Z", granularity: "hour" });
    await panel();
    type("To, time", "");
    fireEvent.click(screen.getByRole("button", { name: "Show 11 days" }));
    await expectAddress({ to: "2026-02-20T23:00:00.000Z", granularity: "hour" });
  });

  it("say before they are shown that whole days are counted where there are no hours", async () => {
    open("&range=today");
    const dialog = await panel();
    type("From", "2025-12-01");
    type("To", "2026-02-20");
    expect(dialog.queryByText(/Whole days are counted/)).toBeNull();
    type("To, time", "23:30");
    expect(dialog.getByText("Whole days are counted: there are hours for at most 31 days.")).toBeTruthy();
  });

  it("are refused in words, and only when they are to be shown", async () => {
    open("&range=today");
    const dialog = await panel();
    type("To", "2026-02-20");
    expect(dialog.queryByText(/after the start/)).toBeNull();
    fireEvent.click(dialog.getByRole("button", { name: "Show" }));
    expect(dialog.getByText("The end must be after the start.")).toBeTruthy();
    expect(dialog.getByLabelText("To").getAttribute("aria-invalid")).toBe("true");
    expect(trigger().textContent).toBe("Period: Today");
    type("From", "");
    fireEvent.click(dialog.getByRole("button", { name: "Show" }));
    expect(dialog.getByText("Choose a first and a last day.")).toBeTruthy();
  });

  it("say where the answer will begin if it would be too long", async () => {
    answerSettings({ accessContact: null, signIn: null, maxRangeDays: 31 });
    open("&range=today");
    const dialog = await panel();
    type("From", "2025-12-01");
    type("To", "2026-01-31");
    expect(await dialog.findByText(/At most 31 days are shown at once. This will begin on .*1/)).toBeTruthy();
  });
});
