// The page in a real browser, on a running query API.
//
// E2E_URL           where that API serves the page: http://127.0.0.1:8080
// E2E_TOKEN         opens an organization with numbers
// E2E_EMPTY_TOKEN   opens an organization without a counted record
// E2E_EXPECTED      that first organization's summary as JSON, computed without the API (see e2e/expected.ts)
// CHROMIUM          the browser, if it isn't in one of the usual places
import { defineConfig } from "@playwright/test";
import { existsSync } from "node:fs";

const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];
const browser = process.env["CHROMIUM"] ?? BROWSERS.find((path) => existsSync(path));
if (browser === undefined) throw new Error(`no browser at ${BROWSERS.join(", ")}: name one in CHROMIUM`);

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  // One at a time: the API limits an organization's requests.
  workers: 1,
  forbidOnly: true,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: "list",
  use: {
    baseURL: process.env["E2E_URL"] ?? "http://127.0.0.1:8080",
    browserName: "chromium",
    launchOptions: { executablePath: browser },
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
  },
});
