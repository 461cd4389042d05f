// Every state of the page, in light and dark: axe finds no violation, and a picture is taken.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { insights } from "../src/testing/answers";
import { EMPTY_TOKEN, TOKEN } from "./expected";
import { changing, expect, instead, refusing, test, type Visit } from "./visit";

interface State {
  /** Puts the page into the state and waits until it shows. */
  enter: (visit: Visit) => Promise<void>;
}

const settled = async (page: Page) => {
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
};
const notice = (page: Page, words: string) =>
  expect(page.getByRole("status").filter({ hasText: words })).toBeVisible();

/** Opens the page, waits, then does one more thing. */
const then = (act: (page: Page) => Promise<void>, search = ""): State => ({
  enter: async ({ page, open }) => {
    await open(TOKEN, search);
    await settled(page);
    await act(page);
  },
});

/** Prepares the network, opens the page and waits for the words of a notice. */
const noticed = (prepare: (page: Page) => Promise<void>, words: string): State => ({
  enter: async ({ page, open }) => {
    await prepare(page);
    await open(TOKEN, "?range=7d");
    await notice(page, words);
  },
});

const STATES: Readonly<Record<string, State>> = {
  well: then(async () => {}, "?range=7d"),
  hours: then(async () => {}),
  period: then((page) => page.getByRole("button", { name: /^Period/ }).click()),
  zone: then((page) => page.getByRole("button", { name: /^Time zone/ }).click()),
  health: then((page) => page.getByRole("button", { name: /^System health/ }).click(), "?range=30d"),
  table: then((page) => page.getByText("Table", { exact: true }).click(), "?range=7d"),
  crosshair: then(async (page) => {
    await page.getByRole("slider").focus();
    await page.keyboard.press("ArrowLeft");
  }, "?range=7d"),
  failure: then(
    (page) => page.getByRole("region", { name: "Failed runs" }).locator("summary").first().click(),
    "?range=30d",
  ),
  loading: {
    enter: async ({ page, open }) => {
      await instead(page, "*", () => new Promise(() => {}));
      await open(TOKEN);
      await expect(page.getByRole("heading", { name: "Insights" })).toBeVisible();
    },
  },
  empty: {
    enter: async ({ page, open }) => {
      await open(EMPTY_TOKEN);
      await expect(page.getByText("Nothing has been counted yet")).toBeVisible();
      await settled(page);
    },
  },
  insight: {
    enter: async ({ page, open }) => {
      await instead(page, "insights", (route) => route.fulfill({ json: insights() }));
      await open(TOKEN, "?range=7d");
      await expect(page.getByText("Look at its recent failures.")).toBeVisible();
    },
  },
  "insight-none": {
    enter: async ({ page, open }) => {
      await instead(page, "insights", (route) => route.fulfill({ json: insights({ insights: [] }) }));
      await open(TOKEN, "?range=7d");
      await expect(page.getByText("Nothing stands out")).toBeVisible();
    },
  },
  "insight-absent": {
    enter: async ({ page, open }) => {
      await refusing(page, "insights", 404);
      await open(TOKEN, "?range=7d");
      await expect(page.getByText("Insights aren’t available")).toBeVisible();
    },
  },
  stale: noticed(
    (page) => changing(page, "*", (body) => ({ stale: true, ...body }), { age: "48" }),
    "These are the last known numbers",
  ),
  partial: noticed((page) => refusing(page, "workflow-health", 503), "Part of this page couldn’t be loaded."),
  limited: noticed((page) => refusing(page, "*", 429, { "retry-after": "30" }), "Too many requests."),
  unavailable: noticed((page) => refusing(page, "*", 503), "The metrics can’t be read at the moment."),
  lost: {
    enter: async ({ page, open }) => {
      await open(TOKEN, "?range=7d");
      await settled(page);
      await instead(page, "*", (route) => route.abort("connectionrefused"));
      await page.getByRole("button", { name: "Refresh" }).click();
      await notice(page, "Connection lost.");
    },
  },
  "sign-in": {
    enter: async ({ page }) => {
      await page.goto("/overview");
      await expect(page.getByLabel("Access token")).toBeVisible();
    },
  },
  refused: {
    enter: async ({ page, open }) => {
      await open("not.a.token");
      await notice(page, "That token isn’t accepted.");
    },
  },
  "no-access": {
    enter: async ({ page, open }) => {
      await refusing(page, "*", 403);
      await open(TOKEN);
      await expect(page.getByRole("heading", { name: "No access" })).toBeVisible();
    },
  },
};

for (const [name, { enter }] of Object.entries(STATES)) {
  test(name, async ({ visit }) => {
    await enter(visit);
    for (const colorScheme of ["light", "dark"] as const) {
      await visit.page.emulateMedia({ colorScheme });
      await look(visit.page, `${name}-${colorScheme}`);
    }
  });
}

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, hasTouch: true });
  for (const name of ["well", "period", "empty", "stale", "failure"]) {
    test(name, async ({ visit }) => {
      await STATES[name]?.enter(visit);
      const wider = await visit.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wider, "how much wider the page is than the screen").toBeLessThanOrEqual(0);
      await look(visit.page, `${name}-phone`);
    });
  }
});

test.describe("from afar", () => {
  test.use({ viewport: { width: 3840, height: 2160 } });
  test("well", async ({ visit }) => {
    await STATES["well"]?.enter(visit);
    await look(visit.page, "well-4k");
  });
});

test("on paper", async ({ visit: { page, open } }) => {
  await open(TOKEN, "?range=7d");
  await settled(page);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await expect(page.getByRole("button", { name: "Refresh" })).toBeHidden();
  await look(page, "well-print");
});

/** What axe finds, and a picture of the whole page. */
async function look(page: Page, name: string): Promise<void> {
  const usual = page.viewportSize() ?? { width: 1440, height: 900 };
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  // Playwright's own full-page pictures shrink the page to no width for a moment, and the chart follows.
  await page.setViewportSize({ width: usual.width, height: Math.max(usual.height, height) });
  await page.screenshot({ path: `screenshots/${name}.png` });
  await page.setViewportSize(usual);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  expect(found, "what axe finds").toEqual([]);
}
