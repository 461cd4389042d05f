// The page by keyboard alone, by finger alone, and on a narrow screen with wide letters.

import { en } from "../src/texts/en";
import { EXPECTED_SEARCH, TOKEN } from "./expected";
import { card, choice, panel, settled } from "./parts";
import { expect, test } from "./visit";

test("the chart is read bucket by bucket", async ({ visit: { page, open } }) => {
  await open(TOKEN, EXPECTED_SEARCH);
  await settled(page);
  const slider = page.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("End");
  const last = await slider.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowLeft");
  expect(await slider.getAttribute("aria-valuetext")).not.toBe(last);
  await page.keyboard.press("End");
  expect(await slider.getAttribute("aria-valuetext")).toBe(last);
});

test("a part of the chart is chosen by keys, and the page shows it", async ({ visit: { page, open } }) => {
  await open(TOKEN, EXPECTED_SEARCH);
  await settled(page);
  const before = new URL(page.url()).searchParams;
  await page.getByRole("slider").focus();
  for (const key of ["End", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter"]) await page.keyboard.press(key);
  await expect(page).not.toHaveURL(new RegExp(`from=${before.get("from")}`));
  const { searchParams } = new URL(page.url());
  expect(Date.parse(searchParams.get("from") ?? "")).toBeGreaterThan(Date.parse(before.get("from") ?? ""));
});

test("dialogs take the focus and give it back", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d&timezone=UTC");
  await settled(page);
  for (const [button, dialog] of [
    [/^Period/, "Period"],
    [/^Time zone/, "Time zone"],
  ] as const) {
    await page.getByRole("button", { name: button }).focus();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("dialog", { name: dialog })).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog", { name: dialog })).toBeHidden();
    await expect(page.getByRole("button", { name: button })).toBeFocused();
  }
});

test("every control can be reached by Tab, and shows that it is", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d&timezone=UTC");
  await settled(page);
  const wanted = await page
    .locator("button:visible, a[href]:visible, select:visible, input:visible, summary:visible")
    .evaluateAll(
      (all) =>
        all.filter((one) => (one as HTMLElement).tabIndex >= 0 && !(one as HTMLButtonElement).disabled)
          .length,
    );
  const reached = new Set<string>();
  for (let step = 0; step < wanted + 20; step += 1) {
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(() => {
      const one = document.activeElement;
      if (one === null || one === document.body) return null;
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
      const inside = one.querySelector(":scope *");
      const shows =
        (outlineStyle !== "none" && outlineWidth !== "0px") ||
        boxShadow !== "none" ||
        one.closest(":has(:focus-visible)") !== null ||
        inside !== null;
      return { name: one.outerHTML.slice(0, 200), shows };
    });
    if (seen === null) break;
    expect(seen.shows, seen.name).toBe(true);
    reached.add(seen.name);
  }
  await expect(card(page, "orders_created")).toBeVisible();
  expect(reached.size).toBeGreaterThan(10);
});

test("single keys do what the list of keys says", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d&timezone=UTC");
  await settled(page);
  await page.keyboard.press("2");
  await expect(choice(page, "payment_success_rate")).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.press("m");
  await expect(page).toHaveURL(/range=30d|range=month/);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
});

test.describe("on a phone, without a keyboard", () => {
  /** The least that a finger hits, in pixels. */
  const TARGET = 44;
  test.use({ viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true });

  test("the command menu has a button, and runs what is chosen", async ({ visit: { page, open } }) => {
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const button = page.getByRole("button", { name: "Commands" });
    const { width, height } = (await button.boundingBox()) ?? { width: 0, height: 0 };
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(TARGET);
    await button.tap();
    const yesterday = page
      .getByRole("dialog", { name: "Commands" })
      .getByRole("option", { name: "Yesterday" });
    expect((await yesterday.boundingBox())?.height).toBeGreaterThanOrEqual(TARGET);
    await yesterday.tap();
    await expect(page).toHaveURL(/range=yesterday/);
  });

  test("no key is told, and what can be done is said in words", async ({ visit: { page, open } }) => {
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const commands = page.getByRole("button", { name: "Commands" });
    await expect(commands).toHaveAttribute("title", "Commands");
    await commands.tap();
    await expect(page.getByRole("option", { name: "Yesterday" })).toBeVisible();
    await expect(page.getByRole("option", { name: en.commandList.showKeys })).toHaveCount(0);
    await expect(page.locator("kbd:visible")).toHaveCount(0);
    await page.getByRole("option", { name: "Yesterday" }).tap();
    await page.getByRole("button", { name: en.page.options }).tap();
    for (const words of [en.page.copyLink, en.page.saveKpis, en.page.print]) {
      await expect(page.getByRole("dialog").getByText(words)).toBeVisible();
    }
  });
});

test.describe("320 pixels wide, with wide letters", () => {
  test("nothing is wider than the screen, and the first number is near the top", async ({
    visit,
    launched,
  }) => {
    // The system's own fonts: Debian's browser comes with DejaVu, which is among the widest.
    const browser = await launched({ FONTCONFIG_FILE: "/etc/fonts/fonts.conf" });
    const { page, open } = await visit.elsewhere({ viewport: { width: 320, height: 640 } }, browser);
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
    for (const name of ["trend", "workflows", "failures", "deliveries", "insights"]) {
      await expect(panel(page, name)).toBeVisible();
    }
    const top = await card(page, "orders_created")
      .locator('[data-part="value"]')
      .evaluate((value) => value.getBoundingClientRect().bottom + scrollY);
    expect(top, "where the first number ends").toBeLessThanOrEqual(250);
  });
});
