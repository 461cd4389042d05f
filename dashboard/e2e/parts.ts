// The parts of the page that tests look at.

import { expect, type Locator, type Page } from "@playwright/test";

/** The card of a KPI. */
export const card = (page: Page, key: string): Locator => page.locator(`[data-kpi="${key}"]`);

/** The button that shows a card's figure in the chart. */
export const choice = (page: Page, key: string): Locator => card(page, key).getByRole("button");

/** A card's value, or another number of it. */
export const figure = (page: Page, key: string, part: "value" | "change" | "before" = "value"): Locator =>
  card(page, key).locator(`data[data-part="${part}"]`);

/** A panel, by its name in the page. */
export const panel = (page: Page, name: string): Locator => page.locator(`section[data-panel="${name}"]`);

/** The chart as it is on the screen; it is drawn once more for paper. */
export const chart = (page: Page): Locator => page.locator('svg[data-for="screen"]');

/** What the page says about the view: what it didn't understand, or had to limit. */
export const notes = (page: Page): Locator => page.locator("[data-note]");

/** Waits until the page has its numbers, or says that there are none yet, and nothing is being loaded. */
export async function settled(page: Page): Promise<void> {
  const shown = page.locator('[data-kpi], [data-panel="welcome"]').filter({ visible: true });
  await expect(shown.first()).toBeVisible();
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
}

/** Waits until all transitions have ended; what never ends, such as a skeleton's breath, isn't waited for. */
export async function atRest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (const { effect, finished } of document.getAnimations()) {
      // One that is given up, with its element for instance, has ended, too.
      if (effect?.getComputedTiming().iterations !== Infinity) await finished.catch(() => {});
    }
  });
}

/** All numbers that the page shows, in its order, as they are before they are written in a language. */
export function numbers(page: Page): Promise<string[]> {
  return page.locator("main data").evaluateAll((all) => all.map((one) => (one as HTMLDataElement).value));
}

/** The times that the element shows, as they are before they are written in a language and a zone. */
export function times(element: Locator): Promise<string[]> {
  return element.locator("time").evaluateAll((all) => all.map((one) => (one as HTMLTimeElement).dateTime));
}

/** The range that the page says its numbers are of: its two instants. */
export async function rangeShown(page: Page): Promise<string[]> {
  const ends = page.locator('[data-part="range-from"], [data-part="range-to"]');
  // The footer comes after the figures.
  await expect(ends).toHaveCount(2);
  return ends.evaluateAll((all) => all.map((one) => (one as HTMLTimeElement).dateTime));
}

/** An element's number. */
export async function numberOf(element: Locator): Promise<number> {
  await expect(element).toHaveAttribute("value", /./);
  return Number(await element.getAttribute("value"));
}

/** Rounded to one decimal, half away from zero, as the API rounds. */
export function tenths(value: number): number {
  return (Math.sign(value) * Math.round(Math.abs(value) * 10 + 1e-9)) / 10;
}
