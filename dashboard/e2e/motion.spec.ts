// What moves while the page loads, with the motion that people have; and the page without motion.

import { EMPTY_TOKEN, TOKEN } from "./expected";
import { atRest, panel, settled } from "./parts";
import { measureShift, SHIFT_MAX, shifted } from "./shift";
import { expect, instead, test, type Visit } from "./visit";

/** How much later than the rest an answer comes: a person sees the page without it. */
const LATE_MS = 600;

/** Opens the page, and fails if it moves. */
async function still({ page, open }: Visit, token: string, search: string): Promise<void> {
  await measureShift(page);
  await open(token, search);
  await settled(page);
  // The lazy pieces and all transitions have ended, too.
  await page.waitForLoadState("networkidle");
  await atRest(page);
  const { sum, moved } = await shifted(page);
  expect(sum, moved.join("\n")).toBeLessThan(SHIFT_MAX);
}

/** The answer comes late. */
const late = (visit: Visit, path: "overview" | "failure-groups") =>
  instead(visit.page, path, async (route) => {
    const response = await route.fetch();
    await visit.page.waitForTimeout(LATE_MS);
    await route.fulfill({ response });
  });

test.beforeEach(async ({ visit }) => {
  // The stream never ends, so nothing would ever be idle.
  await instead(visit.page, "stream", (route) => route.abort());
});

test("the tests' browser moves things as people's browsers do", async ({ page }) => {
  expect(await page.evaluate(() => matchMedia("(prefers-reduced-motion: reduce)").matches)).toBe(false);
});

for (const [name, viewport] of [
  ["desktop", { width: 1440, height: 900 }],
  ["laptop", { width: 1280, height: 720 }],
  ["phone", { width: 360, height: 780 }],
  ["large", { width: 2560, height: 1440 }],
] as const) {
  test.describe(name, () => {
    test.use({ viewport });
    test("nothing moves while the page loads", ({ visit }) => still(visit, TOKEN, "?range=7d"));

    test("nothing moves when the numbers come late", async ({ visit }) => {
      await late(visit, "overview");
      await still(visit, TOKEN, "?range=30d");
    });

    test("nothing moves when the failures come late", async ({ visit }) => {
      await late(visit, "failure-groups");
      await still(visit, TOKEN, "?range=7d");
    });

    test("nothing moves while an empty organization is welcomed", async ({ visit }) => {
      await late(visit, "overview");
      await still(visit, EMPTY_TOKEN, "?range=7d");
      await expect(panel(visit.page, "welcome")).toBeVisible();
    });
  });
}

// Fingers need larger buttons, and the controls of the chart wrap only there and at about this width.
test.describe("phone with a touchscreen", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  test("nothing moves when the numbers come late", async ({ visit }) => {
    await late(visit, "overview");
    await still(visit, TOKEN, "?range=7d");
  });
});

test.describe("in German", () => {
  test.use({ locale: "de-DE", timezoneId: "Europe/Berlin" });
  test("nothing moves while the page loads", async ({ visit }) => {
    await still(visit, TOKEN, "?range=7d");
    await expect(visit.page.locator("html")).toHaveAttribute("lang", "de");
  });
});

test("nothing is animated for somebody who wants no motion", async ({ visit: { page, open } }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await open(TOKEN, "?range=7d");
  await settled(page);
  const animated = () =>
    page.evaluate(() =>
      document
        .getAnimations()
        .filter((one) => Number(one.effect?.getComputedTiming().duration) > 10)
        .map((one) => ((one.effect as KeyframeEffect).target as Element).outerHTML.slice(0, 120)),
    );
  expect(await animated()).toEqual([]);
  await page.getByRole("button", { name: /^Period/ }).click();
  await expect(page.getByRole("dialog", { name: "Period" })).toBeVisible();
  expect(await animated()).toEqual([]);
});
