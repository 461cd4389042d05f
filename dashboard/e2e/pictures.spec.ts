// Every state of the page: axe finds no violation in light and dark, and the picture is the accepted one (docs/img/page).
// `npm run accept` accepts what the page looks like now; look at what changed before you commit it.
//
// The answers are recorded ones, so the pictures need no API and show the same numbers on any day. With RECORD set the
// states are entered on a running API instead, and its answers become the recordings.

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import { acceptBrowser, acceptedVersion, type Comparison, comparisonOf } from "./accepted";
import { printed } from "./paper";
import { settled } from "./parts";
import { record, RECORDING, replay, writeRecordings } from "./replay";
import { type State, STATES, still, tokenFor } from "./states";
import { test, type Visit } from "./visit";

let comparison: Comparison;

test.beforeAll(({ browser }, { config, parallelIndex }) => {
  if (RECORDING) return;
  const version = browser.version();
  acceptBrowser(config, version);
  comparison = comparisonOf(acceptedVersion(), version);
  // Once, however many run side by side. `cargo verify` shows lines that begin like this.
  if (comparison.note !== null && parallelIndex === 0) console.log(`note: ${comparison.note}`);
});

test.afterAll(() => {
  if (RECORDING) writeRecordings();
});

async function enter(state: State, { page, open }: Visit): Promise<void> {
  const done = await (RECORDING ? record(page, state.of) : replay(page, state.of));
  await state.enter(page, (search) => open(tokenFor(state), search));
  await done?.();
}

for (const [name, state] of Object.entries(STATES)) {
  test(name, async ({ visit }) => {
    test.skip(RECORDING && state.unrecorded === true, "nothing of it is recorded");
    await enter(state, visit);
    if (RECORDING) return;
    await look(visit.page, state, name);
    await visit.page.emulateMedia({ colorScheme: "dark" });
    await look(visit.page, state, state.dark === true ? `${name}-dark` : null);
  });
}

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 780 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
  for (const [name, state] of Object.entries(STATES).filter(([, { phone }]) => phone)) {
    test(name, async ({ visit }) => {
      test.skip(RECORDING, "it was recorded above");
      await enter(state, visit);
      await look(visit.page, state, `${name}-phone`);
    });
  }
});

for (const [name, viewport] of [
  ["narrow", { width: 320, height: 640 }],
  ["4k", { width: 3840, height: 2160 }],
] as const) {
  test.describe(name, () => {
    test.use({ viewport });
    test("week", async ({ visit }) => {
      test.skip(RECORDING, "it was recorded above");
      const week = STATES["week"] as State;
      await enter(week, visit);
      await look(visit.page, week, name === "4k" ? null : `week-${name}`);
    });
  });
}

test("on paper", async ({ visit, browser }) => {
  test.skip(RECORDING, "it was recorded above");
  await enter(STATES["week"] as State, visit);
  await settled(visit.page);
  for (const [index, { picture }] of (await printed(visit.page, browser)).entries()) {
    expect(picture, said()).toMatchSnapshot(`paper-${index + 1}.png`, comparison.tolerance);
  }
});

/** Checks the state by axe, and that nothing is wider than the screen; compares its picture, if there is one, with the accepted one. */
async function look(page: Page, { whole }: State, picture: string | null): Promise<void> {
  await still(page);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wider, "how much wider the page is than the screen").toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  expect(found, "what axe finds").toEqual([]);
  if (picture === null) return;
  const isAccepted = () => expect(page, said()).toHaveScreenshot(`${picture}.png`, comparison.tolerance);
  if (whole !== true) return isAccepted();
  const usual = page.viewportSize() ?? { width: 1440, height: 900 };
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  // Playwright's own full-page pictures shrink the page to no width for a moment, and the chart follows.
  await page.setViewportSize({ width: usual.width, height: Math.max(usual.height, height) });
  await isAccepted();
  await page.setViewportSize(usual);
}

/** What a reader of a difference has to know. */
const said = () => comparison.note ?? "the accepted picture, by the same version of the browser";
