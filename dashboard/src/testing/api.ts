// A query API in the test's own process. Each test says which answers differ from the usual ones.

import { http, HttpResponse, type HttpResponseResolver, type JsonBodyType } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { resetServerClock } from "../api/serverClock";
import {
  deliveryHealth,
  failureGroups,
  failures,
  insights,
  overview,
  summary,
  thresholds,
  trends,
  workflowHealth,
} from "./answers";

type Path =
  | "overview"
  | "summary"
  | "trends"
  | "workflow-health"
  | "delivery-health"
  | "failures"
  | "failure-groups"
  | "insights"
  | "stream";
type Method = "get" | "put" | "post" | "patch" | "delete";

/** When the API answers, by its own clock: just after it has made the answers. */
const DATE = "Wed, 25 Feb 2026 02:42:08 GMT";

/** For tests that need more than the functions below. */
export const server = setupServer(
  answering("overview", overview()),
  answering("summary", summary()),
  answering("trends", trends()),
  answering("workflow-health", workflowHealth()),
  answering("delivery-health", deliveryHealth()),
  answering("failures", failures()),
  answering("failure-groups", failureGroups()),
  answering("insights", insights()),
  refusing("stream", 404),
  http.get("*/v1/settings/thresholds", () => HttpResponse.json(thresholds())),
  http.get("*/v1/settings/links", () => HttpResponse.json({ run: null })),
  answeringSettings({ accessContact: null, maxRangeDays: 90, signIn: null }),
);

/** The questions asked so far, as `path?query`, oldest first. */
export const asked: string[] = [];

/** Starts the API for the tests of a file. */
export function serve(): void {
  server.events.on("request:start", ({ request }) => {
    const { pathname, search } = new URL(request.url);
    asked.push(pathname + search);
  });
  beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
  afterEach(() => {
    server.resetHandlers();
    asked.length = 0;
    resetServerClock();
  });
  afterAll(() => server.close());
}

/** From now on the path answers this. */
export function answer(path: Path, body: JsonBodyType, headers: Record<string, string> = {}): void {
  server.use(answering(path, body, headers));
}

/** From now on this method of this path below `/v1` answers what the resolver says. */
export function answerTo(method: Method, path: string, resolver: HttpResponseResolver): void {
  server.use(http[method](`*/v1${path}`, resolver));
}

/** From now on the page's settings are these. */
export function answerSettings(body: JsonBodyType): void {
  server.use(answeringSettings(body));
}

/** From now on the path refuses, as problem details. */
export function refuse(path: Path, status: number, headers: Record<string, string> = {}): void {
  server.use(refusing(path, status, headers));
}

/** From now on the path can't be reached. */
export function cut(path: Path): void {
  server.use(http.get(`*/metrics/${path}`, () => HttpResponse.error()));
}

/** From now on the path streams this text, and ends. */
export function stream(text: string): void {
  const body = () => new HttpResponse(text, { headers: { "content-type": "text/event-stream" } });
  server.use(http.get("*/metrics/stream", body));
}

function answering(path: Path, body: JsonBodyType, headers: Record<string, string> = {}) {
  return http.get(`*/metrics/${path}`, () =>
    HttpResponse.json(body, { headers: { date: DATE, ...headers } }),
  );
}

function answeringSettings(body: JsonBodyType) {
  return http.get("*/overview/settings.json", () => HttpResponse.json(body));
}

function refusing(path: Path, status: number, headers: Record<string, string> = {}) {
  const problem = { type: "about:blank", title: "No", status, detail: `this is ${status}` };
  return http.get(`*/metrics/${path}`, () =>
    HttpResponse.json(problem, {
      status,
      headers: { "content-type": "application/problem+json", ...headers },
    }),
  );
}
