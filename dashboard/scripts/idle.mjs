// What the page costs while it is open in live mode and nothing changes: the main thread's time, and memory. Fails if the
// main thread takes 3 % of a core or more, or if memory grows.
//
// E2E_URL    where a running API serves the page: http://127.0.0.1:8080
// E2E_TOKEN  opens an organization with numbers that don't change meanwhile
// CHROMIUM   the browser, if it isn't in one of the usual places
// MINUTES    how long the page is watched (default 20)
import { chromium } from "@playwright/test";
import { existsSync } from "node:fs";
import { setTimeout as elapsed } from "node:timers/promises";

const BUSY_MAX_PERCENT = 3;
/** Between the second quarter of the time and the last one. A leak of a byte a frame would be more. */
const GROWTH_MAX_PERCENT = 3;
const SAMPLES_A_MINUTE = 4;
const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];

const { E2E_URL = "http://127.0.0.1:8080", E2E_TOKEN, CHROMIUM, MINUTES = "20" } = process.env;
const executablePath = CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
if (E2E_TOKEN === undefined || executablePath === undefined)
  throw new Error("E2E_TOKEN or CHROMIUM is not set");

const browser = await chromium.launch({ executablePath });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
let requests = 0;
page.on("request", () => (requests += 1));
await page.goto(`${E2E_URL}/overview?range=7d#token=${E2E_TOKEN}`);
await page.locator("[data-kpi]").first().waitFor();
await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
const devtools = await page.context().newCDPSession(page);
await devtools.send("Performance.enable", { timeDomain: "timeTicks" });
await devtools.send("HeapProfiler.enable");

const loaded = requests;
const samples = [];
await collected();
let since = await measured();
console.log("minute   main thread      heap    nodes  listeners");
for (let sample = 1; sample <= Number(MINUTES) * SAMPLES_A_MINUTE; sample += 1) {
  await elapsed(60_000 / SAMPLES_A_MINUTE);
  // Garbage is collected between the measures, so that its time isn't the page's.
  const until = await measured();
  await collected();
  const now = await measured();
  const busy = (100 * (until.TaskDuration - since.TaskDuration)) / (until.Timestamp - since.Timestamp);
  samples.push({ busy, heap: now.JSHeapUsedSize, nodes: now.Nodes, listeners: now.JSEventListeners });
  since = now;
  if (sample % SAMPLES_A_MINUTE === 0) print(sample / SAMPLES_A_MINUTE, samples.at(-1));
}
await browser.close();

const quarter = Math.ceil(samples.length / 4);
const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
const busy = mean(samples, "busy");
const growth = (name) => 100 * (mean(late, name) / mean(early, name) - 1);
console.log(`main thread: ${busy.toFixed(2)} % of a core; ${requests - loaded} requests`);
for (const name of ["heap", "nodes", "listeners"]) console.log(`${name}: ${growth(name).toFixed(2)} % more`);
const grown = ["heap", "nodes", "listeners"].filter((name) => growth(name) > GROWTH_MAX_PERCENT);
if (busy >= BUSY_MAX_PERCENT || grown.length > 0) {
  console.error(`Too much: ${[...(busy >= BUSY_MAX_PERCENT ? ["main thread"] : []), ...grown].join(", ")}.`);
  process.exitCode = 1;
}

async function measured() {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
}

function collected() {
  return devtools.send("HeapProfiler.collectGarbage");
}

function mean(all, name) {
  return all.reduce((sum, sample) => sum + sample[name], 0) / all.length;
}

function print(minute, { busy, heap, nodes, listeners }) {
  const columns = [`${busy.toFixed(2)} %`, `${(heap / 1_000_000).toFixed(2)} MB`, nodes, listeners];
  console.log(`${String(minute).padStart(6)} ${columns.map((text) => String(text).padStart(9)).join("  ")}`);
}
