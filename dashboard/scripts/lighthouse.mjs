// Lighthouse's scores of the signed-in page on its throttled phone. Fails if one is below 95.
//
// E2E_URL    where a running API serves the page: http://127.0.0.1:8080
// E2E_TOKEN  opens an organization with numbers
// CHROMIUM   the browser, if it isn't in one of the usual places
// RUNS       how many runs there are; the median counts (default 3)
//
// Lighthouse is fetched by npx: it is needed now and then, and is larger than all else together.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const PACKAGE = "lighthouse@12.8.2";
const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices"];
/** What is shown beside the scores: how long a person on that phone waits, and how much moves. */
const AUDITS = [
  "first-contentful-paint",
  "largest-contentful-paint",
  "total-blocking-time",
  "cumulative-layout-shift",
];
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];

const { E2E_URL = "http://127.0.0.1:8080", E2E_TOKEN, CHROMIUM, RUNS = "3" } = process.env;
const browser = CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
if (E2E_TOKEN === undefined || browser === undefined) throw new Error("E2E_TOKEN or CHROMIUM is not set");

const reports = Array.from({ length: Number(RUNS) }, audit);
const score = (name) => median(reports.map(({ categories }) => Math.round(100 * categories[name].score)));
const measure = (name) => median(reports.map(({ audits }) => audits[name].numericValue));

console.log(`Lighthouse ${reports[0].lighthouseVersion}, phone, median of ${reports.length} runs`);
for (const name of CATEGORIES) console.log(`${name.padEnd(26)} ${String(score(name)).padStart(6)}`);
for (const name of AUDITS) console.log(`${name.padEnd(26)} ${shown(measure(name)).padStart(6)}`);
for (const complaint of complaints()) console.log(`not passed: ${complaint}`);

const low = CATEGORIES.filter((name) => score(name) < LEAST);
if (low.length > 0) {
  console.error(`Below ${LEAST}: ${low.join(", ")}.`);
  process.exitCode = 1;
}

/** One run: the report. The token is in the address's fragment, which no server sees. */
function audit() {
  const report = execFileSync(
    "npx",
    [
      "--yes",
      "--package",
      PACKAGE,
      "lighthouse",
      `${E2E_URL}/overview?range=7d#token=${E2E_TOKEN}`,
      "--quiet",
      "--output=json",
      "--output-path=stdout",
      `--only-categories=${CATEGORIES.join(",")}`,
      "--chrome-flags=--headless --no-sandbox",
    ],
    { env: { ...process.env, CHROME_PATH: browser }, maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(report.toString());
}

/** The audits that the last run didn't pass, and that count. */
function complaints() {
  const { audits, categories } = reports.at(-1);
  const counted = CATEGORIES.flatMap((name) => categories[name].auditRefs.filter(({ weight }) => weight > 0));
  return [...new Set(counted.map(({ id }) => id))]
    .filter((id) => audits[id].score !== null && audits[id].score < 0.9)
    .map((id) => `${id}: ${audits[id].title}`);
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}

function shown(value) {
  return value < 1 ? value.toFixed(3) : `${Math.round(value)} ms`;
}
