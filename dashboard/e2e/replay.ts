// Answers that a running API once gave, given again: the same numbers at the same moment, so that pictures of the page can be
// compared pixel by pixel on any day and on any machine. `npm run record` takes them anew.
//
// The recordings are committed, and recorded.spec.ts holds their shape against that of real answers.

import type { Page, Request, Response, Route } from "@playwright/test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

/** What a recording is of: whose page, and which range. */
export type Scenario = "week" | "day" | "month" | "empty";

interface Answered {
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

export interface Recording {
  /** The server's clock when it was taken. */
  at: string;
  /** By their question: method, path, and the parameters that don't name a moment. */
  answers: Record<string, Answered>;
}

/** Parameters whose values are moments, or follow from them. */
const MOMENTS = ["from", "to", "cursor"];
/** The headers that the page reads. */
const HEADERS = ["content-type", "etag", "age", "complete-through", "generated-at"];

const fileOf = (scenario: Scenario) => new URL(`recorded/${scenario}.json`, import.meta.url);

/** Whether answers are recorded instead of given again. */
export const RECORDING = process.env["RECORD"] !== undefined;

export function recordingOf(scenario: Scenario): Recording {
  return JSON.parse(readFileSync(fileOf(scenario), "utf8")) as Recording;
}

/** A question, as recordings name it. */
export function questionOf(request: Pick<Request, "method" | "url">): string {
  const { pathname, searchParams } = new URL(request.url());
  for (const name of MOMENTS) searchParams.delete(name);
  searchParams.sort();
  const query = searchParams.toString();
  return `${request.method()} ${pathname}${query === "" ? "" : `?${query}`}`;
}

const isAnswer = (address: string) =>
  new URL(address).pathname.startsWith("/v1/") && !address.includes("/metrics/stream");

/** Gives the recorded answers, on a clock that stands still at their moment. */
export async function replay(page: Page, scenario: Scenario): Promise<void> {
  const { at, answers } = recordingOf(scenario);
  await page.clock.setFixedTime(at);
  await stream(page);
  await page.route("**/overview/settings.json", (route) =>
    route.fulfill({ json: { accessContact: "metrics-team@example.com", signIn: null } }),
  );
  await page.route(
    (url) => isAnswer(url.href),
    (route) => give(route, at, answers[questionOf(route.request())]),
  );
}

function give(route: Route, at: string, answered: Answered | undefined): Promise<void> {
  if (answered === undefined) {
    throw new Error(`${questionOf(route.request())} is not recorded: npm run record`);
  }
  const { status, headers, body } = answered;
  return route.fulfill({
    status,
    headers: { ...headers, date: new Date(at).toUTCString() },
    body: JSON.stringify(body),
  });
}

/** From now on the path's recorded answers are changed. */
export async function amended<Body>(
  page: Page,
  scenario: Scenario,
  path: string,
  change: (body: Body) => Body,
  headers: Record<string, string>,
): Promise<void> {
  const { at, answers } = recordingOf(scenario);
  await page.route(
    (url) => url.pathname === `/v1/metrics/${path}`,
    (route) => {
      const answered = answers[questionOf(route.request())];
      const changed = answered && {
        ...answered,
        headers: { ...answered.headers, ...headers },
        body: change(answered.body as Body),
      };
      return give(route, at, changed);
    },
  );
}

/** A stream that tells one version and stays open, which no answer of a test's can. */
async function stream(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const usual = window.fetch.bind(window);
    window.fetch = (input, init) => {
      const address = input instanceof Request ? input.url : String(input);
      if (!address.includes("/metrics/stream")) return usual(input, init);
      const body = new ReadableStream<Uint8Array>({
        start: (controller) =>
          controller.enqueue(new TextEncoder().encode('event: version\nid: 1\ndata: {"version": 1}\n\n')),
      });
      return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
    };
  });
}

/** A token whose claims are these, for a page that only reads them. */
export function tokenOf(claims: Record<string, unknown>, scenario: Scenario): string {
  const expires = Date.parse(recordingOf(scenario).at) / 1_000 + 8 * 3_600;
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [part({ alg: "HS256", typ: "JWT" }), part({ exp: Math.round(expires), ...claims }), "recorded"].join(
    ".",
  );
}

const taken = new Map<Scenario, Recording>();

/** Records the page's answers from now on. Returns what waits for those that are under way. */
export async function record(page: Page, scenario: Scenario): Promise<() => Promise<void>> {
  // With the real one the network would never be idle.
  await stream(page);
  const keeping: Promise<void>[] = [];
  page.on("response", (response) => {
    if (isAnswer(response.url())) keeping.push(keep(response, scenario));
  });
  return async () => {
    await page.waitForLoadState("networkidle");
    await Promise.all(keeping);
  };
}

async function keep(response: Response, scenario: Scenario): Promise<void> {
  const all = await response.allHeaders();
  if (!all["content-type"]?.includes("json")) return;
  const recording = taken.get(scenario) ?? {
    at: new Date(all["date"] ?? Date.now()).toISOString(),
    answers: {},
  };
  taken.set(scenario, recording);
  const headers = Object.fromEntries(
    HEADERS.flatMap((name) => (name in all ? [[name, all[name] ?? ""]] : [])),
  );
  recording.answers[questionOf(response.request())] = {
    status: response.status(),
    headers,
    body: await response.json(),
  };
}

/** Writes what was recorded: an answer a line. */
export function writeRecordings(): void {
  const folder = new URL("recorded/", import.meta.url);
  if (!existsSync(folder)) mkdirSync(folder);
  for (const [scenario, { at, answers }] of taken) {
    const lines = Object.entries(answers)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([question, answered]) => `${JSON.stringify(question)}:${JSON.stringify(answered)}`);
    writeFileSync(fileOf(scenario), `{"at":"${at}","answers":{\n${lines.join(",\n")}\n}}\n`);
  }
}
