// The time zone's button, and its search.
//
// @vitest-environment happy-dom

import { cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { serve } from "../../testing/api";
import { expectAddress, renderAlone } from "../../testing/around";
import { spoken } from "../../texts";
import { ZonePicker } from "./ZonePicker";

serve();
afterEach(cleanup);

const WINTER = "&from=2026-02-01T00:00:00.000Z&to=2026-02-11T00:00:00.000Z";

const trigger = () => screen.getByRole("button", { name: /^Time zone:/ });
async function search(text: string): Promise<HTMLElement> {
  fireEvent.click(trigger());
  const box = await screen.findByRole("combobox", { name: "Find a time zone" });
  fireEvent.change(box, { target: { value: text } });
  return box;
}
const results = () => screen.getAllByRole("option").map((option) => option.textContent);

it("lists UTC and the system's zone first", async () => {
  renderAlone(<ZonePicker />, { search: `?timezone=Asia/Tokyo${WINTER}` });
  const box = await search("");
  expect(document.activeElement).toBe(box);
  expect(results().slice(0, 3)).toEqual([
    "UTCCoordinated Universal TimeUTC",
    "Berlin, GermanyCentral European Time · this system’sUTC+1",
    "Tokyo, JapanJapan Standard TimeUTC+9chosen",
  ]);
});

it("begins with the zone that is chosen, which Enter keeps", async () => {
  renderAlone(<ZonePicker />, { search: `?timezone=Asia/Tokyo${WINTER}` });
  const box = await search("");
  const [chosen] = screen.getAllByRole("option", { selected: true });
  expect(chosen?.textContent).toContain("Tokyo");
  fireEvent.keyDown(box, { key: "Enter" });
  await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
  await expectAddress({ timezone: "Asia/Tokyo" });
});

it("finds a city that no zone is named after, and takes it with Enter", async () => {
  renderAlone(<ZonePicker />, { search: `?timezone=UTC${WINTER}` });
  const box = await search("munich");
  const [first] = screen.getAllByRole("option");
  expect(first?.textContent).toBe("Munich, GermanyCentral European TimeUTC+1");
  expect(first?.getAttribute("aria-selected")).toBe("true");
  expect(screen.getByRole("status").textContent).toBe("1 time zone");
  fireEvent.keyDown(box, { key: "Enter" });
  await expectAddress({ timezone: "Europe/Berlin" });
  await expect.poll(() => screen.queryByRole("dialog")).toBeNull();
  expect(document.activeElement).toBe(trigger());
  expect(trigger().textContent).toBe("Time zone: Berlin");
});

it("goes through what an abbreviation may mean by arrow keys", async () => {
  renderAlone(<ZonePicker />, { search: `?timezone=UTC${WINTER}` });
  const box = await search("IST");
  expect(
    results()
      .slice(0, 3)
      .map((text) => text?.split(",")[0]),
  ).toEqual(["Kolkata", "Jerusalem", "Dublin"]);
  fireEvent.keyDown(box, { key: "ArrowDown" });
  fireEvent.keyDown(box, { key: "Enter" });
  await expectAddress({ timezone: "Asia/Jerusalem" });
});

it("keeps whole days the same dates", async () => {
  renderAlone(<ZonePicker />, { search: `?timezone=UTC${WINTER}` });
  fireEvent.keyDown(await search("+5:30"), { key: "Enter" });
  await expectAddress({
    timezone: "Asia/Kolkata",
    from: "2026-01-31T18:30:00.000Z",
    to: "2026-02-10T18:30:00.000Z",
  });
});

it("says when it knows none", async () => {
  renderAlone(<ZonePicker />);
  await search("Atlantis");
  expect(screen.queryAllByRole("option")).toEqual([]);
  expect(within(screen.getByRole("dialog")).getByText("No time zone is known by that.")).toBeTruthy();
});

it("speaks German", async () => {
  renderAlone(<ZonePicker />, { search: `?timezone=UTC${WINTER}`, spoken: await spoken("de") });
  fireEvent.click(screen.getByRole("button", { name: /^Zeitzone:/ }));
  fireEvent.change(await screen.findByRole("combobox"), { target: { value: "Österreich" } });
  expect(results()).toEqual(["Wien, ÖsterreichMitteleuropäische ZeitUTC+1"]);
});
