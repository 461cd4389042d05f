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
/** From the middle of the time to its end. A leak of a byte a frame would be more. */
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
await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
const devtools = await page.context().newCDPSession(page);
await devtools.send("Performance.enable", { timeDomain: "timeTicks" });
await devtools.send("HeapProfiler.enable");

const loaded = requests;
const samples = [];
const middle = Math.ceil((Number(MINUTES) * SAMPLES_A_MINUTE) / 2);
const objects = [];
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
  if (sample === middle) objects.push(await objectBytes());
  since = sample === middle ? await measured() : now;
  if (sample % SAMPLES_A_MINUTE === 0) print(sample / SAMPLES_A_MINUTE, samples.at(-1));
}
objects.push(await objectBytes());
await browser.close();

const quarter = Math.ceil(samples.length / 4);
const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
const busy = mean(samples, "busy");
const more = (before, after) => 100 * (after / before - 1);
const growth = {
  objects: more(...objects),
  nodes: more(mean(early, "nodes"), mean(late, "nodes")),
  listeners: more(mean(early, "listeners"), mean(late, "listeners")),
};
console.log(`main thread: ${busy.toFixed(2)} % of a core; ${requests - loaded} requests`);
for (const [name, percent] of Object.entries(growth)) console.log(`${name}: ${percent.toFixed(2)} % more`);
const grown = Object.keys(growth).filter((name) => growth[name] > GROWTH_MAX_PERCENT);
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

/**
 * The bytes of all that the page keeps. The heap has the engine's machine code besides, which grows for as long as functions
 * are found to be used much.
 */
async function objectBytes() {
  let text = "";
  const take = ({ chunk }) => (text += chunk);
  devtools.on("HeapProfiler.addHeapSnapshotChunk", take);
  await devtools.send("HeapProfiler.takeHeapSnapshot");
  devtools.off("HeapProfiler.addHeapSnapshotChunk", take);
  const { snapshot, nodes } = JSON.parse(text);
  const fields = snapshot.meta.node_fields;
  const [type, size] = [fields.indexOf("type"), fields.indexOf("self_size")];
  const code = snapshot.meta.node_types[type].indexOf("code");
  let bytes = 0;
  for (let at = 0; at < nodes.length; at += fields.length) {
    if (nodes[at + type] !== code) bytes += nodes[at + size];
  }
  return bytes;
}

function mean(all, name) {
  return all.reduce((sum, sample) => sum + sample[name], 0) / all.length;
}

function print(minute, { busy, heap, nodes, listeners }) {
  const columns = [`${busy.toFixed(2)} %`, `${(heap / 1_000_000).toFixed(2)} MB`, nodes, listeners];
  console.log(`${String(minute).padStart(6)} ${columns.map((text) => String(text).padStart(9)).join("  ")}`);
}
