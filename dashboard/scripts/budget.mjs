// Fails when the scripts of the first view, or one of the pieces that are loaded when wanted, are over their budget.
//
// The first view is what the browser loads before it can draw the page: the page's scripts, and all that they import
// statically.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

/** The most that a phone on a slow connection should have to load before it shows numbers, gzipped. */
const FIRST_VIEW_BYTES = 130_000;
/** The most that a person should have to wait for after pressing a button, gzipped, with all that the piece imports. */
const PIECE_BYTES = 60_000;

const dist = new URL("../dist/", import.meta.url).pathname;
const kilobytes = (count) => `${(count / 1000).toFixed(1)} KB`;
const sum = (chunks) => [...chunks].reduce((total, chunk) => total + bytesOf(chunk), 0);

/** Vite's list of chunks: each with its file, and the chunks that it imports statically and dynamically. */
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, "utf8"));
const html = readFileSync(`${dist}index.html`, "utf8");
const loaded = [...html.matchAll(/<script[^>]* src="\/([^"]+)"/g)].map(([, file]) => file);
const entries = Object.keys(manifest).filter((chunk) => loaded.includes(manifest[chunk].file));
if (entries.length === 0) throw new Error("there is no built page: run `npm run build` first");

function bytesOf(chunk) {
  const { file } = manifest[chunk];
  return file.endsWith(".js") ? gzipSync(readFileSync(dist + file), { level: 9 }).length : 0;
}

/** A chunk and all chunks that are loaded with it. */
function together(chunk, found = new Set()) {
  if (found.has(chunk)) return found;
  found.add(chunk);
  for (const imported of manifest[chunk].imports ?? []) together(imported, found);
  return found;
}

const line = (count, words) => console.log(`${kilobytes(count).padStart(10)}  ${words}`);

const first = new Set(entries.flatMap((chunk) => [...together(chunk)]));
let over = sum(first) > FIRST_VIEW_BYTES;
console.log("First view");
for (const chunk of first) line(bytesOf(chunk), manifest[chunk].file);
line(sum(first), `in all, of ${kilobytes(FIRST_VIEW_BYTES)}`);

console.log(`\nLoaded when wanted, each with what it needs besides: at most ${kilobytes(PIECE_BYTES)}`);
for (const piece of Object.keys(manifest).filter((chunk) => manifest[chunk].isDynamicEntry)) {
  const needed = [...together(piece)].filter((chunk) => !first.has(chunk));
  const tooMuch = sum(needed) > PIECE_BYTES;
  over ||= tooMuch;
  line(sum(needed), piece + (tooMuch ? ", too much" : ""));
}
if (over) {
  console.error("The scripts are over their budget.");
  process.exitCode = 1;
}
