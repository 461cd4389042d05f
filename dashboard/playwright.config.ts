// The page in a real browser: on a running query API, and, for the pictures, on recorded answers.
//
// E2E_URL            where that API serves the page: http://127.0.0.1:8080
// E2E_TOKEN          opens an organization with numbers
// E2E_OTHER_TOKEN    opens another organization
// E2E_SEVERAL_TOKEN  opens both; it names them in `organizations`
// E2E_WRITER_TOKEN   opens the first one, and may change its thresholds
// E2E_EMPTY_TOKEN    opens an organization without a counted record
// E2E_YOUNG_TOKEN    opens one with 2 orders on the day before yesterday, and 100 on yesterday (UTC)
// E2E_LIVE_TOKEN     opens one whose orders are one more after each POST to E2E_COUNT_URL
// E2E_COUNT_URL
// E2E_EXPECTED       the first organization's summary as JSON, computed without the API (see e2e/expected.ts)
// CHROMIUM           the browser, if it isn't in one of the usual places
// RECORD             records the pictures' answers anew from that API, instead of comparing the pictures
//
// Without E2E_URL only the pictures can be taken; then the built page is served by Vite.
import { defineConfig } from "@playwright/test";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];
const browser = process.env["CHROMIUM"] ?? BROWSERS.find((path) => existsSync(path));
if (browser === undefined) throw new Error(`no browser at ${BROWSERS.join(", ")}: name one in CHROMIUM`);

/** What needs no API. */
const PICTURES = ["pictures.spec.ts", "accepted.spec.ts"];
const PREVIEW = "http://127.0.0.1:4173";
const served = process.env["E2E_URL"];

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  snapshotPathTemplate: "../docs/img/page/{arg}{ext}",
  // One at a time: the API limits an organization's requests. Recorded answers have no limit.
  workers: served === undefined ? 2 : 1,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: {
    baseURL: served ?? PREVIEW,
    browserName: "chromium",
    launchOptions: {
      executablePath: browser,
      args: ["--font-render-hinting=none", "--disable-lcd-text"],
      env: { ...process.env, FONTCONFIG_FILE: fileURLToPath(new URL("e2e/fonts.conf", import.meta.url)) },
    },
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
  },
  projects: [
    { name: "page", testIgnore: PICTURES },
    // Smaller than a usual window, so that all pictures together take some 6 MB.
    {
      name: "pictures",
      testMatch: PICTURES,
      fullyParallel: true,
      use: { viewport: { width: 1280, height: 800 } },
    },
  ],
  ...(served === undefined && {
    webServer: { command: "npx vite preview --port 4173 --strictPort", url: `${PREVIEW}/overview` },
  }),
});
