// Fails when the page's scripts, gzipped, are together larger than the budget.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** The most that a phone on a slow connection should have to load. */
const BUDGET_BYTES = 130_000;
const folder = new URL("../dist/assets", import.meta.url).pathname;

const scripts = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js"));
if (scripts.length === 0) throw new Error("there is no built script: run `npm run build` first");
const weights = scripts.map((name) => ({
  name,
  bytes: gzipSync(readFileSync(join(folder, name)), { level: 9 }).length,
}));
const total = weights.reduce((sum, { bytes }) => sum + bytes, 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} KB`;

for (const { name, bytes } of weights) console.log(`${kilobytes(bytes).padStart(10)}  ${name}`);
console.log(`${kilobytes(total).padStart(10)}  in all, of ${kilobytes(BUDGET_BYTES)}`);
if (total > BUDGET_BYTES) {
  console.error("The scripts are over their budget.");
  process.exitCode = 1;
}
