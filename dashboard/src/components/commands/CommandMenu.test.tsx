// The command menu and its keys.
//
// @vitest-environment happy-dom

import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { serverNow } from "../../api/serverClock";
import { serve } from "../../testing/api";
import { expectAddress, renderAlone } from "../../testing/around";
import { TOUCH } from "../parts/useMedia";
import { RangePicker } from "../controls/RangePicker";
import { CommandButton } from "./CommandButton";
import { CommandMenu } from "./CommandMenu";

serve();
beforeEach(() => localStorage.clear());
afterEach(cleanup);

async function open(): Promise<void> {
  renderAlone(
    <>
      <RangePicker now={serverNow} shown={null} />
      <CommandButton />
      <input aria-label="Elsewhere" />
      <main>
        <section aria-labelledby="first">
          <h2 id="first">Workflow health</h2>
          <button type="button">Inside</button>
        </section>
        <section aria-label="Insights" />
        <div inert>
          <section aria-label="Not there yet" />
        </div>
      </main>
      <CommandMenu />
    </>,
    { search: "?timezone=Asia/Tokyo" },
  );
  // Its piece is loaded after the page.
  await act(() => vi.dynamicImportSettled());
}

/** A key that is pressed where the focus is. */
function press(key: string, part: object = {}): void {
  fireEvent.keyDown(document.activeElement ?? document.body, { key, ...part });
}
async function menu() {
  press("k", { ctrlKey: true });
  const dialog = within(await screen.findByRole("dialog", { name: "Commands" }));
  const box = await dialog.findByRole("combobox", { name: "Find a command" });
  return { dialog, box, find: (value: string) => fireEvent.change(box, { target: { value } }) };
}
const period = () => screen.getByText("Period:").parentElement?.textContent;
const found = () => screen.getAllByRole("option").map((option) => option.textContent);

describe("the menu", () => {
  it("opens with Ctrl+K, runs what is found, and gives the focus back", async () => {
    await open();
    screen.getByLabelText("Elsewhere").focus();
    const { box, find } = await menu();
    expect(document.activeElement).toBe(box);
    find("last week");
    expect(found()).toEqual(["Last weekPeriod⇧W"]);
    press("Enter");
    await expectAddress({ range: "last-week" });
    await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
  });

  it("tells keys only where there are some", async () => {
    await open();
    expect(screen.getByRole("button", { name: "Commands" }).title).toBe("Commands (Ctrl K)");
    await menu();
    expect(found().some((name) => name?.startsWith("Show all keys"))).toBe(true);
    cleanup();
    const usual = window.matchMedia.bind(window);
    vi.spyOn(window, "matchMedia").mockImplementation((query) =>
      query === TOUCH
        ? (Object.assign(new EventTarget(), { matches: true }) as MediaQueryList)
        : usual(query),
    );
    await open();
    expect(screen.getByRole("button", { name: "Commands" }).title).toBe("Commands");
    fireEvent.click(screen.getByRole("button", { name: "Commands" }));
    expect(
      (await screen.findAllByRole("option")).some((one) => one.textContent?.startsWith("Show all keys")),
    ).toBe(false);
  });

  it("opens with its button, and closes beside it", async () => {
    await open();
    fireEvent.click(screen.getByRole("button", { name: "Commands" }));
    const dialog = await screen.findByRole("dialog", { name: "Commands" });
    fireEvent.click(within(dialog).getByRole("combobox"));
    expect(screen.queryByRole("dialog")).not.toBeNull();
    fireEvent.click(dialog);
    await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
  });

  it("has a group for everything that can be chosen", async () => {
    await open();
    const { dialog } = await menu();
    const groups = dialog.getAllByRole("group").map((group) => group.getAttribute("aria-labelledby") ?? "");
    expect(groups.map((id) => document.getElementById(id)?.textContent)).toEqual([
      "Period",
      "In the chart",
      "Compared with",
      "Time zone",
      "Go to",
      "Page",
    ]);
  });

  it("goes to a panel", async () => {
    await open();
    const { find } = await menu();
    find("workflow health");
    press("Enter");
    await expect.poll(() => document.activeElement?.getAttribute("aria-labelledby")).toBe("first");
  });

  it("finds time zones by cities", async () => {
    await open();
    const { find } = await menu();
    find("munich");
    expect(await screen.findByRole("option", { name: /Munich, Germany, UTC\+[12]/ })).toBeTruthy();
    press("Enter");
    await expectAddress({ timezone: "Europe/Berlin" });
  });

  it("says when there is none", async () => {
    await open();
    const { find, dialog } = await menu();
    find("xyzzy");
    expect(dialog.getByText("There is no such command.")).toBeTruthy();
    expect(dialog.getByRole("status").textContent).toBe("0 commands");
  });
});

describe("keys", () => {
  it.each([
    ["d", {}, "range", "today"],
    ["M", { shiftKey: true }, "range", "last-month"],
    ["2", {}, "metric", "payment_success_rate"],
    ["u", {}, "timezone", "UTC"],
  ])("%s is a command", async (key, part, name, value) => {
    await open();
    press(key, part);
    await expectAddress({ [name]: value });
  });

  it("are characters where something is typed, and nothing with Ctrl", async () => {
    await open();
    screen.getByLabelText("Elsewhere").focus();
    press("d");
    screen.getByRole("button", { name: "Inside" }).focus();
    press("d", { ctrlKey: true });
    expect(period()).toBe("Period: Last 24 hours");
  });

  it("go from panel to panel", async () => {
    await open();
    const focused = () =>
      document.activeElement?.getAttribute("aria-labelledby") ??
      document.activeElement?.getAttribute("aria-label");
    press("j");
    expect(focused()).toBe("first");
    press("j");
    expect(focused()).toBe("Insights");
    press("j");
    expect(focused()).toBe("Insights");
    press("k");
    expect(focused()).toBe("first");
  });

  it("are listed with ?, and can be switched off", async () => {
    await open();
    press("?", { shiftKey: true });
    const dialog = within(await screen.findByRole("dialog", { name: "Keys" }));
    const rows = dialog.getAllByRole("term").map((term) => term.parentElement?.textContent);
    expect(rows).toContain("TodayD");
    expect(rows).toContain("Last month⇧M");
    fireEvent.click(dialog.getByRole("checkbox"));
    fireEvent.click(dialog.getByRole("button", { name: "Close" }));
    await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
    press("d");
    expect(period()).toBe("Period: Last 24 hours");
    // Ctrl+K stays, so that they can be switched on again.
    const { find } = await menu();
    find("all keys");
    press("Enter");
    const keys = within(await screen.findByRole("dialog", { name: "Keys" }));
    fireEvent.click(keys.getByRole("checkbox"));
    fireEvent.click(keys.getByRole("button", { name: "Close" }));
    await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
    press("d");
    expect(period()).toBe("Period: Today");
    await expectAddress({ range: "today" });
  });

  it("belong to a dialog while there is one", async () => {
    await open();
    const { dialog } = await menu();
    fireEvent.keyDown(dialog.getByRole("listbox"), { key: "d" });
    expect(period()).toBe("Period: Last 24 hours");
  });
});
