// The page stands what browsers, systems and addresses do to it.

import type { BrowserContextOptions, Request } from "@playwright/test";
import { en } from "../src/texts/en";
import { COUNT_URL, LIVE_TOKEN, OTHER_TOKEN, TOKEN } from "./expected";
import { card, figure, notes, numberOf, settled } from "./parts";
import { expect, test } from "./visit";

test.describe("windows", () => {
  /** Browsers open six connections to a server. */
  const WINDOWS = 12;

  test("twelve windows load, and all follow by one stream", async ({ visit, request }) => {
    const windows = [visit];
    while (windows.length < WINDOWS) windows.push(await visit.another());
    const listening = new Set<Request>();
    let most = 0;
    const context = visit.page.context();
    const isStream = (asked: Request) => asked.url().includes("/metrics/stream");
    context.on("request", (asked) => {
      if (!isStream(asked)) return;
      listening.add(asked);
      // A window that was closed listens no more, and says nothing of it.
      most = Math.max(most, [...listening].filter((each) => !each.frame().page().isClosed()).length);
    });
    context.on("requestfinished", (asked) => listening.delete(asked));
    context.on("requestfailed", (asked) => listening.delete(asked));
    for (const each of windows) {
      // A week, because a day has just begun at midnight, and has nothing to show.
      await each.open(LIVE_TOKEN, "?range=7d&timezone=UTC");
      await expect(figure(each.page, "orders_created")).toBeVisible();
    }
    const before = await numberOf(figure(visit.page, "orders_created"));
    await request.post(COUNT_URL);
    for (const { page } of windows) {
      await expect(figure(page, "orders_created")).toHaveAttribute("value", String(before + 1));
    }
    expect(most, "streams at a time").toBe(1);

    // The window that listens for all is closed; another one takes over.
    await visit.page.close();
    await request.post(COUNT_URL);
    for (const { page } of windows.slice(1)) {
      await expect(figure(page, "orders_created")).toHaveAttribute("value", String(before + 2));
    }
    expect(most, "streams at a time").toBe(1);
  });
});

test.describe("systems", () => {
  /** The browser's own language and zone, which are the system's. */
  const AS_THE_SYSTEM = { locale: undefined, timezoneId: undefined } as unknown as BrowserContextOptions;
  const SYSTEMS: readonly Record<string, string>[] = [
    { TZ: "Foo/Bar" },
    { TZ: "C" },
    { TZ: "" },
    { TZ: ":" },
    { LANG: "C", LC_ALL: "C", LANGUAGE: "C" },
    { LANG: "", LC_ALL: "", LANGUAGE: "" },
    { LANG: "xx_YY.UTF-8", LC_ALL: "xx_YY.UTF-8", LANGUAGE: "xx" },
    { LANG: "de_DE.UTF-8", LC_ALL: "", LANGUAGE: "" },
  ];
  for (const system of SYSTEMS) {
    test(`the page opens with ${JSON.stringify(system)}`, async ({ visit, launched }) => {
      const browser = await launched(system);
      const { page, open } = await visit.elsewhere(AS_THE_SYSTEM, browser);
      await open(TOKEN, "?range=7d");
      await settled(page);
      const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
      const isKnown = zone !== "Etc/Unknown" && zone !== "";
      if (system["TZ"] === "Foo/Bar") expect(isKnown).toBe(false);
      await expect(notes(page).filter({ hasText: en.notes.systemZone("UTC") })).toHaveCount(isKnown ? 0 : 1);
      await expect(page.getByRole("button", { name: /^(Time zone|Zeitzone)/ })).toBeVisible();
    });
  }
});

test.describe("a browser without Temporal", () => {
  for (const locale of ["en-GB", "de-DE"]) {
    test(`has it loaded before anything is shown, in ${locale}`, async ({ visit }) => {
      const { page, open } = await visit.elsewhere({ locale, timezoneId: "Europe/Berlin" });
      await page.addInitScript(() => Reflect.deleteProperty(globalThis, "Temporal"));
      await open(TOKEN, "?range=week");
      await settled(page);
      expect(await page.evaluate(() => "Temporal" in globalThis)).toBe(false);
      await expect(page.locator("html")).toHaveAttribute("lang", locale.slice(0, 2));
      await expect(page.getByRole("button", { name: /^(Period|Zeitraum)/ })).toBeVisible();
    });
  }
});

test.describe("addresses", () => {
  for (const [zone, note] of [
    ["%2B03:00", "+03:00"],
    ["Mars/Olympus", "Mars/Olympus"],
    ["", null],
  ] as const) {
    test(`the zone "${zone}" is the usual one`, async ({ visit: { page, open } }) => {
      await open(TOKEN, `?range=7d&timezone=${zone}`);
      await settled(page);
      await expect(page.getByRole("button", { name: /^Time zone/ })).toContainText("UTC");
      if (note !== null) await expect(notes(page).filter({ hasText: note })).toBeVisible();
    });
  }

  test("a zone in lower case is the zone", async ({ visit: { page, open } }) => {
    await open(TOKEN, "?range=7d&timezone=europe/berlin");
    await settled(page);
    await expect(page.getByRole("button", { name: /^Time zone/ })).toContainText("Berlin");
  });

  test("nonsense is shown as the usual view, with notes", async ({ visit: { page, open } }) => {
    await open(TOKEN, "?range=%00&from=yesterday&to=&granularity=minute&compare=mars&sort=luck&workflow=");
    await settled(page);
    await expect(card(page, "orders_created")).toBeVisible();
    await expect(notes(page).first()).toBeVisible();
  });
});

test.describe("a link with another organization's token", () => {
  test("asks before it replaces who is signed in", async ({ visit: { page, open } }) => {
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const mine = await numberOf(figure(page, "orders_created"));
    await page.evaluate((token) => (location.hash = `#token=${token}`), OTHER_TOKEN);
    const question = page.getByRole("alertdialog");
    await expect(question).toBeVisible();
    await expect(question).toContainText("org_harbor");
    await expect(question).toContainText("org_meadow");
    expect(new URL(page.url()).hash, "the token in the address").toBe("");
    await question.getByRole("button", { name: /Keep/ }).click();
    await expect(question).toBeHidden();
    await expect(figure(page, "orders_created")).toHaveAttribute("value", String(mine));
    await page.reload();
    await expect(figure(page, "orders_created")).toHaveAttribute("value", String(mine));
  });

  test("asks when the page is loaded with it, too, and does what is answered", async ({
    visit: { page, open },
  }) => {
    await open(TOKEN, "?range=7d&timezone=UTC");
    await settled(page);
    const name = await page.getByRole("heading", { level: 1 }).textContent();
    await page.goto("about:blank");
    await open(OTHER_TOKEN, "?range=7d&timezone=UTC");
    const question = page.getByRole("alertdialog");
    await expect(question).toBeVisible();
    await question.getByRole("button", { name: /Switch/ }).click();
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).not.toHaveText(name ?? "");
  });
});

test("the token leaves the address and stays in this tab", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d");
  await settled(page);
  expect(new URL(page.url()).hash).toBe("");
  const kept = await page.evaluate(() => [JSON.stringify({ ...localStorage }), document.cookie]);
  expect(kept.join()).not.toContain(TOKEN);
  await page.reload();
  await settled(page);
  await page.getByRole("button", { name: en.page.account }).click();
  await page.getByRole("button", { name: en.page.signOut }).click();
  await page.reload();
  await expect(page.locator("[data-kpi]")).toHaveCount(0);
});
