// How the page treats its address, its token and the keyboard, and what it does while it loads.

import { TOKEN } from "./expected";
import { expect, instead, test } from "./visit";

/** The greatest layout shift that the measure's definition calls good. */
const LAYOUT_SHIFT_MAX = 0.02;

test("the token leaves the address and stays in this tab", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d");
  await expect(page.locator("[data-kpi]").first()).toBeVisible();
  expect(new URL(page.url()).hash).toBe("");
  const kept = await page.evaluate(() => [
    sessionStorage.getItem("token"),
    JSON.stringify({ ...localStorage }),
    document.cookie,
  ]);
  expect(kept).toEqual([TOKEN, "{}", ""]);
  await page.reload();
  await expect(page.locator("[data-kpi]").first()).toBeVisible();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.reload();
  await expect(page.getByLabel("Access token")).toBeVisible();
});

test("the address follows the view, and back goes back", async ({ visit: { page, open } }) => {
  await open(TOKEN);
  await page.getByRole("button", { name: /^Period/ }).click();
  await page.getByRole("button", { name: "Last 30 days" }).click();
  await expect(page).toHaveURL(/\?range=30d$/);
  await page.getByRole("button", { name: /^Time zone/ }).click();
  await page.getByRole("searchbox").fill("berlin");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\?range=30d&timezone=Europe\/Berlin$/);
  await page.goBack();
  await expect(page).toHaveURL(/\?range=30d$/);
  await expect(page.getByRole("button", { name: /^Time zone/ })).toContainText("UTC");
});

test("a custom period is asked for as it was entered", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?timezone=Europe/Berlin");
  await page.getByRole("button", { name: /^Period/ }).click();
  const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel("From").fill(`${day}T10:00`);
  await page.getByLabel("To", { exact: true }).fill(`${day}T09:00`);
  await page.getByRole("button", { name: "Show this period" }).click();
  await expect(page.getByRole("alert")).toHaveText("The end must be after the start.");
  await page.getByLabel("To", { exact: true }).fill(`${day}T12:00`);
  const asked = page.waitForRequest((request) => /summary\?.*from=/.test(request.url()));
  await page.getByRole("button", { name: "Show this period" }).click();
  const query = new URL((await asked).url()).searchParams;
  expect(Date.parse(query.get("to") ?? "") - Date.parse(query.get("from") ?? "")).toBe(2 * 3_600_000);
});

test("everything is reached and read by keyboard", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d");
  const slider = page.getByRole("slider");
  await slider.focus();
  const last = await slider.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowLeft");
  expect(await slider.getAttribute("aria-valuetext")).not.toBe(last);
  await page.keyboard.press("End");
  expect(await slider.getAttribute("aria-valuetext")).toBe(last);
  await page.getByRole("button", { name: /^Period/ }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Period" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: /^Period/ })).toBeFocused();
});

/** How much later than the others the last answer comes: a person sees the page without it. */
const LATER_MS = 300;

for (const last of ["summary", "trends", "workflow-health", "insights"] as const) {
  test(`nothing moves while the page fills and ${last} comes last`, async ({ visit: { page, open } }) => {
    await page.addInitScript(() => {
      Object.assign(window, { shifted: 0 });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          Object.assign(window, { shifted: Reflect.get(window, "shifted") + Reflect.get(entry, "value") });
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await instead(page, last, async (route) => {
      await page.waitForTimeout(LATER_MS);
      await route.continue();
    });
    await open(TOKEN, "?range=7d");
    await expect(page.locator("[data-kpi]").first()).toBeVisible();
    await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
    expect(await page.evaluate(() => Reflect.get(window, "shifted") as number)).toBeLessThan(
      LAYOUT_SHIFT_MAX,
    );
  });
}

test("a version that changes is fetched", async ({ visit: { page, open } }) => {
  let version = 1;
  await instead(page, "stream", (route) => {
    const body = `event: version\nid: ${version}\ndata: {"version": ${version}}\n\n`;
    version += 1;
    return route.fulfill({ headers: { "content-type": "text/event-stream" }, body });
  });
  let asked = 0;
  page.on("request", (request) => {
    if (request.url().includes("/metrics/summary")) asked += 1;
  });
  await open(TOKEN, "?range=7d");
  // The first, one for the first version, one for the version after a reconnection.
  await expect.poll(() => asked).toBeGreaterThanOrEqual(3);
});
