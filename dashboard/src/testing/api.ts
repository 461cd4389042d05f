// A query API in the test's own process. Each test says which answers differ from the usual ones.

import { http, HttpResponse, type JsonBodyType } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { insights, summary, trends, workflowHealth } from "./answers";

type Path = "summary" | "trends" | "workflow-health" | "insights" | "stream";

const server = setupServer(
  answering("summary", summary()),
  answering("trends", trends()),
  answering("workflow-health", workflowHealth()),
  answering("insights", insights()),
  refusing("stream", 404),
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
  });
  afterAll(() => server.close());
}

/** From now on the path answers this. */
export function answer(path: Path, body: JsonBodyType, headers: Record<string, string> = {}): void {
  server.use(answering(path, body, headers));
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
  return http.get(`*/metrics/${path}`, () => HttpResponse.json(body, { headers }));
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
