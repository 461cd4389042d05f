// The page in a browser, used step by step by somebody without a display: commands come by standard input or by HTTP, a
// line each; what a person does is counted.
//
// E2E_URL    where a running API serves the page: http://127.0.0.1:8080
// E2E_TOKEN  opens an organization with numbers
// CHROMIUM   the browser, if it isn't in one of the usual places
// PORT       where commands are taken by HTTP (default 4600): curl --data 'see now.png' 127.0.0.1:4600
// LOG        a file for each step as a line of JSON (optional)
//
// `help` lists the commands. docs/page-tasks.md has the tasks.
import { chromium } from "@playwright/test";
import { appendFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const BROWSERS = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"];
const { E2E_URL = "http://127.0.0.1:8080", E2E_TOKEN = "", CHROMIUM, PORT = "4600", LOG } = process.env;
const executablePath = CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
if (executablePath === undefined)
  throw new Error(`no browser at ${BROWSERS.join(", ")}: name one in CHROMIUM`);

/** How long a person looks for something before giving up. */
const PATIENCE_MS = 5_000;
/** A person's steps, as they are counted. `look` and `see` are no steps. */
const STEPS = ["click", "drag", "type", "press", "scroll", "back", "open"];

const browser = await chromium.launch({ executablePath });
const context = await browser.newContext({
  viewport: { width: 1440, height: 900 },
  acceptDownloads: true,
  permissions: ["clipboard-read", "clipboard-write"],
  // As people have it; LANGUAGE and ZONE change it.
  locale: process.env["LANGUAGE"] ?? "en-GB",
  timezoneId: process.env["ZONE"] ?? "Europe/Berlin",
});
let page = await context.newPage();
context.on("page", (opened) => (page = opened));
const files = [];
context.on("page", listen);
listen(page);
function listen(window) {
  window.on("download", (file) => void keep(file));
}
async function keep(file) {
  const path = join(tmpdir(), file.suggestedFilename());
  await file.saveAs(path);
  files.push(path);
}

const tasks = [];
let task = begun("before the first task");
function begun(name) {
  return { name, clicks: 0, drags: 0, types: 0, presses: 0, scrolls: 0, backs: 0, opens: 0, failures: 0 };
}

const COMMANDS = {
  help: ["", "lists the commands", help],
  open: ["[ADDRESS]", "opens the page, or an address; the first time with the token", open],
  look: ["[CSS]", "says what the window shows, as a screen reader has it", look],
  see: ["FILE.png", "takes a picture of what the window shows", see],
  click: ["NAME | X Y", "clicks what is called so, or that point of the picture", click],
  hover: ["NAME | X Y", "points there", hover],
  drag: ["X1 Y1 X2 Y2", "presses at the first point and lets go at the second", drag],
  type: ["TEXT", "types", (text) => page.keyboard.type(text)],
  press: ["KEYS", "presses keys: Enter, Control+K, ArrowLeft", (keys) => page.keyboard.press(keys)],
  scroll: ["PIXELS", "scrolls down by so many", (pixels) => page.mouse.wheel(0, Number(pixels))],
  back: ["", "goes back", () => page.goBack()],
  size: ["WIDTH HEIGHT", "makes the window so large", size],
  address: ["", "says the address", () => page.url()],
  clipboard: ["", "says what was copied", () => page.evaluate("navigator.clipboard.readText()")],
  files: ["", "lists what was downloaded", () => files.join("\n") || "nothing"],
  task: ["NAME", "begins a task: counts from 0", beginTask],
  wrong: ["WHY", "counts a failure: something was not as expected", wrong],
  done: ["", "ends the task", () => endTask("done")],
  "gave-up": ["", "ends the task", () => endTask("given up")],
  count: ["", "lists the tasks with their counts", count],
};

console.log(`commands: standard input, or http://127.0.0.1:${PORT}`);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void run(line).then((said) => console.log(said)));
createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => void run(body.trim()).then((said) => response.end(`${said}\n`)));
}).listen(Number(PORT), "127.0.0.1");

async function run(line) {
  const [, name = "", rest = ""] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  if (name === "end") {
    await browser.close();
    process.exit();
  }
  const command = COMMANDS[name];
  if (command === undefined) return `${name} is no command\n${help()}`;
  if (STEPS.includes(name)) task[counter(name)] += 1;
  let said;
  try {
    said = (await command[2](rest)) ?? (await settled());
  } catch (error) {
    task.failures += 1;
    said = `failed: ${error.message.split("\n")[0]}`;
  }
  if (LOG !== undefined) appendFileSync(LOG, `${JSON.stringify({ task: task.name, line, said })}\n`);
  return said;
}

function counter(step) {
  return step === "press" ? "presses" : `${step}s`;
}

/** Waits until nothing is being loaded, and says where the page is now. */
async function settled() {
  await page.waitForTimeout(300);
  await page
    .locator("[aria-busy=true]")
    .first()
    .waitFor({ state: "detached", timeout: PATIENCE_MS })
    .catch(() => {});
  return `${await page.title()} — ${page.url()}`;
}

async function open(address) {
  const first = page.url() === "about:blank" && address === "";
  await page.goto(address === "" ? `${E2E_URL}/overview${first ? `#token=${E2E_TOKEN}` : ""}` : address);
}

function look(css) {
  return page
    .locator(css === "" ? "body" : css)
    .first()
    .ariaSnapshot();
}

async function see(path) {
  await page.screenshot({ path });
  return path;
}

async function click(where) {
  const point = pointOf(where);
  if (point !== null) return void (await page.mouse.click(...point));
  await (await found(where)).click({ timeout: PATIENCE_MS });
}

async function hover(where) {
  const point = pointOf(where);
  if (point !== null) return void (await page.mouse.move(...point));
  await (await found(where)).hover({ timeout: PATIENCE_MS });
}

function pointOf(where) {
  const numbers = where.split(/[\s,]+/).map(Number);
  return numbers.length === 2 && numbers.every(Number.isFinite) ? numbers : null;
}

/** The element of this name: one to be used, if there is one; otherwise whatever has the words. */
async function found(name) {
  const roles = [
    "button",
    "link",
    "option",
    "menuitem",
    "switch",
    "tab",
    "checkbox",
    "radio",
    "combobox",
    "textbox",
  ];
  for (const exact of [true, false]) {
    for (const role of roles) {
      const all = page.getByRole(role, { name, exact });
      for (const one of await all.all()) if (await one.isVisible()) return one;
    }
  }
  for (const exact of [true, false]) {
    for (const one of await page.getByText(name, { exact }).all()) if (await one.isVisible()) return one;
  }
  throw new Error(`nothing that can be seen is called "${name}"`);
}

async function drag(points) {
  const [x1, y1, x2, y2] = points.split(/[\s,]+/).map(Number);
  await page.mouse.move(x1, y1);
  await page.mouse.down();
  await page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2, { steps: 5 });
  await page.mouse.move(x2, y2, { steps: 5 });
  await page.mouse.up();
}

async function size(words) {
  const [width, height] = words.split(/[\s,]+/).map(Number);
  await page.setViewportSize({ width, height });
}

function beginTask(name) {
  task = begun(name);
  return `task: ${name}`;
}

function wrong(why) {
  task.failures += 1;
  return `failure: ${why}`;
}

function endTask(how) {
  tasks.push({ ...task, ended: how });
  const said = `${task.name}: ${how}; ${summary(task)}`;
  task = begun("between tasks");
  return said;
}

function summary({ clicks, drags, types, presses, scrolls, backs, opens, failures }) {
  const steps = clicks + drags + types + presses;
  return `${steps} steps (${clicks} clicks, ${drags} drags, ${types} texts, ${presses} keys), ${scrolls} scrolls, ${backs + opens} other, ${failures} failures`;
}

function count() {
  return (
    tasks.map((ended) => `${ended.name}: ${ended.ended}; ${summary(ended)}`).join("\n") || "no task has ended"
  );
}

function help() {
  return Object.entries(COMMANDS)
    .map(([name, [words, what]]) => `${`${name} ${words}`.padEnd(24)} ${what}`)
    .concat("end                      ends the browser")
    .join("\n");
}
