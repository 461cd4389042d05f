// What can be picked: periods, zones, organizations, and parts of the chart by dragging.

import { en } from "../src/texts/en";
import { EXPECTED, EXPECTED_SEARCH, SEVERAL_TOKEN, TOKEN } from "./expected";
import { chart, figure, numberOf, rangeShown, settled } from "./parts";
import { expect, questions, test } from "./visit";

const DAY_MS = 86_400_000;
/** The date of so many days ago (UTC). */
const day = (ago: number) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);

test.beforeEach(async ({ visit: { open, page } }, { title }) => {
  if (title.includes("several organizations")) return;
  await open(TOKEN, "?range=7d&timezone=UTC");
  await settled(page);
});

test("a preset is in the address, and back goes back", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: /^Period/ }).click();
  await page.getByRole("dialog", { name: "Period" }).getByRole("button", { name: "Last 30 days" }).click();
  await expect(page).toHaveURL(/range=30d/);
  await settled(page);
  await page.getByRole("button", { name: /^Time zone/ }).click();
  await page.getByRole("combobox", { name: en.picking.findZone }).fill("berlin");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/timezone=Europe(\/|%2F)Berlin/);
  await page.goBack();
  await expect(page).toHaveURL(/range=30d/);
  await expect(page.getByRole("button", { name: /^Time zone/ })).toContainText("UTC");
  await page.goBack();
  await expect(page).toHaveURL(/range=7d/);
});

test("presets are in a person's words", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: /^Period/ }).click();
  const dialog = page.getByRole("dialog", { name: "Period" });
  for (const name of ["Today", "Yesterday", "Last week", "Month to date", "Quarter to date"]) {
    await expect(dialog.getByRole("button", { name, exact: true })).toBeVisible();
  }
});

test("days are picked in a calendar, by mouse and by keys", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: /^Period/ }).click();
  const dialog = page.getByRole("dialog", { name: "Period" });
  const days = dialog.locator("[role=gridcell] [role=button]:not([aria-disabled=true])");
  await expect(days.first()).toBeVisible();
  const name = await days.first().getAttribute("aria-label");
  await days.first().click();
  // The second end by keys: two days later.
  for (const key of ["ArrowRight", "ArrowRight", "Enter"]) await page.keyboard.press(key);
  const apply = dialog.getByRole("button", { name: /^Show/ });
  await expect(apply, name ?? "").toHaveText(en.picking.showDays(3));
  await apply.click();
  await settled(page);
  const [from = "", to = ""] = await rangeShown(page);
  expect(Date.parse(to) - Date.parse(from)).toBe(3 * DAY_MS);
});

test("an end before its beginning is refused in words", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: /^Period/ }).click();
  const dialog = page.getByRole("dialog", { name: "Period" });
  await dialog.getByLabel(en.picking.from, { exact: true }).fill(day(3));
  await dialog.getByLabel(en.picking.to, { exact: true }).fill(day(5));
  await dialog.getByRole("button", { name: /^Show/ }).click();
  await expect(dialog.getByText(en.picking.periodTroubles.reversed)).toBeVisible();
  await expect(page).toHaveURL(/range=7d/);
});

test("the arrows move the period by its length, and never past now", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: "Previous period" }).click();
  await settled(page);
  const { searchParams } = new URL(page.url());
  const [from, to] = [Date.parse(searchParams.get("from") ?? ""), Date.parse(searchParams.get("to") ?? "")];
  expect(to - from).toBe(7 * DAY_MS);
  await page.getByRole("button", { name: "Next period" }).click();
  await settled(page);
  await expect(page.getByRole("button", { name: "Next period" })).toHaveAttribute("aria-disabled", "true");
});

for (const [typed, place] of [
  ["Munich", "Munich"],
  ["IST", "Kolkata"],
  ["PST", "Los Angeles"],
  ["UTC+1", ""],
  ["new york", "New York"],
  ["kathmandu", "Kathmandu"],
] as const) {
  test(`the zone is found as "${typed}"`, async ({ visit: { page } }) => {
    await page.getByRole("button", { name: /^Time zone/ }).click();
    await page.getByRole("combobox", { name: en.picking.findZone }).fill(typed);
    const options = page.getByRole("listbox").getByRole("option");
    await expect(options.first()).toBeVisible();
    expect((await options.allInnerTexts()).join("\n")).toContain(place);
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: /^Time zone/ })).not.toContainText("UTC", {
      // UTC+1 is a zone that begins with these letters.
      ...(typed === "UTC+1" && { ignoreCase: false, useInnerText: true }),
    });
    await settled(page);
  });
}

test("dragging over the chart zooms, and zooming out goes back", async ({ visit: { page, open } }) => {
  await open(TOKEN, `${EXPECTED_SEARCH}&metric=orders_created`);
  await settled(page);
  const bars = chart(page).locator("rect[data-bar]");
  const [first, last] = [await bars.nth(1).boundingBox(), await bars.nth(3).boundingBox()];
  const starts = await bars.evaluateAll((all) => all.map((bar) => bar.getAttribute("data-bar") ?? ""));
  const box = await chart(page).boundingBox();
  const middle = (box?.y ?? 0) + (box?.height ?? 0) / 2;
  await page.mouse.move((first?.x ?? 0) + (first?.width ?? 0) / 2, middle);
  await page.mouse.down();
  await page.mouse.move((last?.x ?? 0) + (last?.width ?? 0) / 2, middle, { steps: 8 });
  await page.mouse.up();
  await expect.poll(() => new URL(page.url()).searchParams.get("from")).toBe(starts[1]);
  const to = Date.parse(new URL(page.url()).searchParams.get("to") ?? "");
  expect(to).toBe(Date.parse(starts[3] ?? "") + DAY_MS);
  await settled(page);
  expect(await numberOf(figure(page, "orders_created"))).toBeLessThan(EXPECTED.kpis[0]?.value ?? 0);
  await page.getByRole("button", { name: "Zoom out" }).click();
  await expect(figure(page, "orders_created")).toHaveAttribute("value", String(EXPECTED.kpis[0]?.value));
});

test("a click on a day shows its hours, and zooming out goes back", async ({ visit: { page, open } }) => {
  await open(TOKEN, `${EXPECTED_SEARCH}&metric=orders_created`);
  await settled(page);
  const bar = chart(page).locator("rect[data-bar]").nth(1);
  const [start, place] = [(await bar.getAttribute("data-bar")) ?? "", await bar.boundingBox()];
  const box = await chart(page).boundingBox();
  await page.mouse.click((place?.x ?? 0) + (place?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2);
  await expect.poll(() => new URL(page.url()).searchParams.get("from")).toBe(start);
  await settled(page);
  await expect(chart(page).locator("rect[data-bar]")).toHaveCount(24);
  await page.getByRole("button", { name: "Zoom out" }).click();
  await expect(figure(page, "orders_created")).toHaveAttribute("value", String(EXPECTED.kpis[0]?.value));
});

test("live mode, theme and language are kept", async ({ visit: { page } }) => {
  await page.getByRole("button", { name: en.page.account }).click();
  await page.getByRole("radio", { name: "Deutsch" }).click({ force: true });
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  await page.reload();
  await settled(page);
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
});

test("several organizations: one is chosen, and then another", async ({ visit: { page, open } }) => {
  const asked = questions(page);
  await open(SEVERAL_TOKEN, "?range=7d&timezone=UTC");
  const choose = page.getByRole("button", { name: /org_harbor/ });
  await choose.click();
  await settled(page);
  const first = await numberOf(figure(page, "orders_created"));
  await page.getByRole("combobox", { name: "Organization" }).selectOption("org_meadow");
  await settled(page);
  await expect(figure(page, "orders_created")).not.toHaveAttribute("value", String(first));
  expect(asked.length).toBeGreaterThan(1);
});
