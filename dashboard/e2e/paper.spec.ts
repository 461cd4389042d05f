// The page on paper: a real PDF, as a person prints it who changes nothing in the dialog.

import { en } from "../src/texts/en";
import { EXPECTED_SEARCH, TOKEN } from "./expected";
import { overlaps, place, printed, written } from "./paper";
import { card, panel, settled } from "./parts";
import { expect, test } from "./visit";

/** More would be a page of the browser's window, and not a report. */
const SHEETS_MAX = 4;

for (const metric of ["orders_created", "payment_success_rate"]) {
  test(`${metric}: nothing covers anything, and everything is there`, async ({
    visit: { page, open },
    browser,
  }) => {
    await open(TOKEN, `${EXPECTED_SEARCH}&metric=${metric}`);
    await settled(page);
    const titles = await page.locator("section[data-panel] h2").allInnerTexts();
    const sheets = await printed(page, browser);
    expect(sheets.length).toBeLessThanOrEqual(SHEETS_MAX);
    expect(sheets.flatMap(overlaps), "words over words").toEqual([]);
    const all = written(sheets);
    for (const title of titles) expect(all, title).toContain(title.replaceAll(/\s/g, ""));
    for (const { width, words } of sheets) {
      for (const { text, left, right } of words) {
        expect(left, text).toBeGreaterThanOrEqual(0);
        expect(right, text).toBeLessThanOrEqual(width);
      }
    }
    // What is only for the screen isn't printed.
    for (const word of [en.page.refresh, en.page.copyLink]) {
      expect(all).not.toContain(word.replaceAll(/\s/g, ""));
    }
  });
}

test("bars and shares are printed without backgrounds", async ({ visit: { page, open }, browser }) => {
  await open(TOKEN, `${EXPECTED_SEARCH}&metric=orders_created`);
  await settled(page);
  const titleOf = (name: string) => panel(page, name).getByRole("heading").first().innerText();
  const [trend, workflows] = [await titleOf("trend"), await titleOf("workflows")];
  const sheets = await printed(page, browser);

  const chart = place(sheets, trend);
  const bars = await chart.sheet.coloured(
    chart.word.bottom,
    Math.min(chart.word.bottom + 420, chart.sheet.height),
  );
  expect(bars, "pixels of the chart's bars").toBeGreaterThan(2_000);

  const shares = place(sheets, workflows);
  const bar = await shares.sheet.coloured(
    shares.word.bottom,
    Math.min(shares.word.bottom + 120, shares.sheet.height),
  );
  expect(bar, "pixels of the outcomes' bar").toBeGreaterThan(300);
});

test("numbers are printed as they are shown", async ({ visit: { page, open }, browser }) => {
  await open(TOKEN, EXPECTED_SEARCH);
  await settled(page);
  const shown = await card(page, "orders_created").locator('[data-part="value"]').innerText();
  expect(written(await printed(page, browser))).toContain(shown.trim());
});

test("a dark page is printed on white", async ({ visit: { page, open }, browser }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await open(TOKEN, EXPECTED_SEARCH);
  await settled(page);
  const ink = await page.evaluate(() => getComputedStyle(document.body).color);
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  const printedInk = await page.evaluate(() => getComputedStyle(document.body).color);
  expect(printedInk).not.toBe(ink);
  const sheets = await printed(page, browser);
  expect(sheets.flatMap(overlaps)).toEqual([]);
});
