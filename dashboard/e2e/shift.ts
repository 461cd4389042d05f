// How much of the page moves by itself while it loads: the measure that browsers define (layout shift).

import type { Page } from "@playwright/test";

/** What the page may shift in all. 0.1 is what the measure's definition calls good; a person sees half of that. */
export const SHIFT_MAX = 0.02;

/** Measures from the next page on. */
export async function measureShift(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const shifts: { value: number; moved: string[] }[] = [];
    Object.assign(window, { shifts });
    const nameOf = (node: Node | null) =>
      node instanceof Element
        ? `${node.tagName.toLowerCase()}.${node.getAttribute("class")?.slice(0, 60) ?? ""}`
        : "";
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        sources: { node: Node | null }[];
      })[]) {
        shifts.push({ value: entry.value, moved: entry.sources.map(({ node }) => nameOf(node)) });
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
}

/** How much has shifted since the page was opened, and what did. */
export async function shifted(page: Page): Promise<{ sum: number; moved: string[] }> {
  const shifts = await page.evaluate(
    () => Reflect.get(window, "shifts") as { value: number; moved: string[] }[],
  );
  return {
    sum: shifts.reduce((sum, { value }) => sum + value, 0),
    moved: shifts.map(({ value, moved }) => `${value.toFixed(4)} ${moved.join(", ")}`),
  };
}
