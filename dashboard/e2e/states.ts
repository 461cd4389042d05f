// The states of the page, by name: how each is entered. Pictures of all are in docs/img/page.

import { expect, type Page } from "@playwright/test";
import type { Overview } from "../src/api/answers";
import { en } from "../src/texts/en";
import { atRest, card, notes, panel, settled } from "./parts";
import { amended, RECORDING, recordingOf, type Scenario, tokenOf } from "./replay";
import { instead, refusing } from "./visit";

export interface State {
  /** Whose answers it shows. */
  of: Scenario;
  /** Prepares what answers, opens the page and waits until the state shows. */
  enter: (page: Page, open: (search?: string) => Promise<void>) => Promise<void>;
  /** It is pictured in the dark, too; all states are checked in the dark. */
  dark?: boolean;
  /** All of the page is pictured, not only what fits in a window. */
  whole?: boolean;
  /** It is pictured on a phone, too. */
  phone?: boolean;
  /** It can't be recorded: nothing is asked, or what is asked is refused by the test. */
  unrecorded?: boolean;
}

const WEEK = "?range=7d&timezone=UTC";
const MONTH = "?range=30d&timezone=UTC";

/** Opens the view, waits, then does one more thing. */
function then(
  of: Scenario,
  search: string,
  act: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): State {
  return {
    of,
    enter: async (page, open) => {
      await open(search);
      await settled(page);
      await act(page);
    },
  };
}

/** Prepares what answers, opens the week and waits for the words. */
function told(prepare: (page: Page) => Promise<void>, words: string | RegExp): State {
  return {
    of: "week",
    unrecorded: true,
    enter: async (page, open) => {
      await prepare(page);
      await open(WEEK);
      await expect(page.getByText(words).first()).toBeVisible();
    },
  };
}

const press = (name: string | RegExp) => async (page: Page) => {
  await page.getByRole("button", { name }).first().click();
};

async function opened(page: Page, name: string | RegExp, dialog: string | RegExp): Promise<void> {
  await press(name)(page);
  await expect(page.getByRole("dialog", { name: dialog })).toBeVisible();
}

/** As it is answered while the database doesn't. */
const staled = (body: Overview): Overview => ({
  ...body,
  summary: { ...body.summary, stale: true },
  trends: { ...body.trends, stale: true },
});

export const STATES: Readonly<Record<string, State>> = {
  week: { ...then("week", WEEK), whole: true, dark: true, phone: true },
  day: { ...then("day", "?timezone=UTC"), whole: true },
  month: then("month", MONTH),
  rate: then("week", `${WEEK}&metric=payment_success_rate`),
  german: {
    of: "week",
    whole: true,
    phone: true,
    enter: async (page, open) => {
      await page.addInitScript(() => localStorage.setItem("language", "de"));
      await open(WEEK);
      await settled(page);
      await expect(page.locator("html")).toHaveAttribute("lang", "de");
    },
  },
  table: then("week", WEEK, async (page) => {
    await panel(page, "trend").locator("label", { hasText: en.trend.shapes.table }).click();
    await expect(panel(page, "trend").getByRole("table")).toBeVisible();
  }),
  tooltip: {
    ...then("week", WEEK, async (page) => {
      await page.getByRole("slider").focus();
      await page.keyboard.press("ArrowLeft");
      await expect(page.locator("[data-tooltip]")).toBeVisible();
    }),
    dark: true,
  },
  selection: then("week", WEEK, async (page) => {
    await page.getByRole("slider").focus();
    for (const key of ["End", "Shift+ArrowLeft", "Shift+ArrowLeft"]) await page.keyboard.press(key);
  }),
  period: {
    ...then("week", WEEK, async (page) => {
      await opened(page, /^Period/, "Period");
      await expect(page.getByRole("gridcell").first()).toBeVisible();
    }),
    dark: true,
    phone: true,
  },
  zone: then("week", WEEK, async (page) => {
    await opened(page, /^Time zone/, "Time zone");
    await page.getByRole("combobox", { name: en.picking.findZone }).fill("munich");
    await expect(page.getByRole("listbox").getByRole("option").first()).toContainText("Munich");
  }),
  commands: {
    ...then("week", WEEK, async (page) => {
      await page.keyboard.press("Control+k");
      await expect(page.getByRole("dialog", { name: "Commands" })).toBeVisible();
    }),
  },
  keys: then("week", WEEK, async (page) => {
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  }),
  alerts: then("week", WEEK, (page) => press(/^\d+ alerts?/)(page)),
  account: then("week", WEEK, press(en.page.account)),
  menu: then("week", WEEK, async (page) => {
    await panel(page, "trend").getByRole("button", { name: /^More/ }).click();
    await expect(page.getByRole("dialog", { name: /^More/ })).toBeVisible();
  }),
  workflow: {
    ...then("week", WEEK, async (page) => {
      await panel(page, "workflows").locator("tr[data-workflow]").first().getByRole("link").click();
      await expect(page).toHaveURL(/workflow=/);
      await settled(page);
    }),
    whole: true,
  },
  failure: {
    ...then("week", WEEK, async (page) => {
      await panel(page, "failures").locator("[data-group] summary").first().click();
      await settled(page);
    }),
    whole: true,
  },
  thresholds: {
    ...then("week", WEEK, async (page) => {
      await page.keyboard.press("x");
      await expect(page.getByRole("dialog")).toBeVisible();
      await settled(page);
    }),
  },
  notes: then("week", "?range=7d&timezone=%2B03:00&compare=mars", async (page) => {
    await expect(notes(page).first()).toBeVisible();
  }),
  shortened: {
    of: "week",
    unrecorded: true,
    enter: async (page, open) => {
      await open("?from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z&timezone=UTC");
      await settled(page);
      await expect(page.getByText(/shortened/)).toBeVisible();
    },
  },
  old: {
    of: "week",
    unrecorded: true,
    enter: async (page, open) => {
      const through = new Date(Date.parse(recordingOf("week").at) - 3 * 86_400_000).toISOString();
      const old = (body: Overview) => ({ ...body, summary: { ...body.summary, completeThrough: through } });
      await amended<Overview>(page, "week", "overview", old, { "complete-through": through });
      await open(WEEK);
      await settled(page);
      await expect(page.getByText("3 days ago").first()).toBeVisible();
    },
  },
  loading: {
    of: "week",
    unrecorded: true,
    dark: true,
    phone: true,
    enter: async (page, open) => {
      await instead(page, "*", () => new Promise(() => {}));
      await open(WEEK);
      await expect(page.locator("[aria-busy=true]").first()).toBeVisible();
    },
  },
  empty: {
    of: "empty",
    whole: true,
    phone: true,
    enter: async (page, open) => {
      await open(WEEK);
      await settled(page);
      await expect(page.getByText(en.welcome.title)).toBeVisible();
    },
  },
  stale: told(
    (page) => amended<Overview>(page, "week", "overview", staled, { age: "48" }),
    en.page.trouble.stale,
  ),
  limited: told((page) => refusing(page, "*", 429, { "retry-after": "30" }), en.page.trouble.limited),
  unavailable: told((page) => refusing(page, "*", 503, { "retry-after": "30" }), en.page.trouble.unavailable),
  malformed: told((page) => refusing(page, "overview", 400), en.page.trouble.malformed),
  "no-access": told((page) => refusing(page, "*", 403), /No access|Not linked/),
  refused: told((page) => refusing(page, "*", 401), en.entry.refused.title),
  lost: {
    of: "week",
    unrecorded: true,
    enter: async (page, open) => {
      await open(WEEK);
      await settled(page);
      await instead(page, "*", (route) => route.abort("connectionrefused"));
      await page.getByRole("button", { name: en.page.refresh }).click();
      await expect(page.getByText(en.page.trouble.unreachable)).toBeVisible();
    },
  },
  "sign-in": {
    of: "week",
    unrecorded: true,
    dark: true,
    phone: true,
    enter: async (page) => {
      await page.goto("/overview");
      await expect(page.getByRole("textbox")).toBeVisible();
    },
  },
  "sign-in-provider": {
    of: "week",
    unrecorded: true,
    enter: async (page) => {
      const signIn = {
        issuer: "https://id.example",
        clientId: "page",
        scope: "openid",
        audience: null,
        resource: null,
      };
      await page.route("**/overview/settings.json", (route) =>
        route.fulfill({ json: { accessContact: "metrics-team@example.com", signIn } }),
      );
      await page.goto("/overview");
      await expect(page.getByRole("button").first()).toBeVisible();
    },
  },
  "other-token": {
    of: "week",
    unrecorded: true,
    enter: async (page, open) => {
      await open(WEEK);
      await settled(page);
      const other = tokenOf({ organization_id: "org_meadow" }, "week");
      await page.evaluate((token) => (location.hash = `#token=${token}`), other);
      await expect(page.getByRole("alertdialog")).toBeVisible();
    },
  },
};

/** What a state's page is opened with: the environment's token to record, otherwise one that only names the organization. */
export function tokenFor({ of }: State): string {
  const name = of === "empty" ? "E2E_EMPTY_TOKEN" : "E2E_WRITER_TOKEN";
  if (!RECORDING) {
    const organization = of === "empty" ? "org_without_records" : "org_harbor";
    return tokenOf({ organization_id: organization, scope: "metrics:read settings:read settings:write" }, of);
  }
  const token = process.env[name];
  if (token === undefined) throw new Error(`${name} is not set; playwright.config.ts says what it is`);
  return token;
}

/** What all states wait for before they are pictured: an open card, the last lazy piece, the fonts, the end of transitions. */
export async function still(page: Page): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await expect(card(page, "orders_created").or(page.locator("main, form").first()).first()).toBeVisible();
  // Half of the way from light to dark, a colour has no contrast.
  await atRest(page);
}
