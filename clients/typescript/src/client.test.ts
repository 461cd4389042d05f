// What the client sends, and how it reads what comes back, beside a server of its own.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Client } from "./client.js";
import { Problem } from "./problem.js";

/** Asks a server that answers like this, and ends it. */
async function beside<T>(answer: RequestListener, ask: (client: Client) => Promise<T>): Promise<T> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as AddressInfo;
  try {
    return await ask(new Client({ url: `http://127.0.0.1:${port}/`, token: "secret" }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

test("asks with a token, below the version, for what is set", async () => {
  const asked: IncomingMessage[] = [];
  const { body, left, unchanged } = await beside(
    (request, response) => {
      asked.push(request);
      json(response, { organizationName: "Acme" }, { ratelimit: '"organization";r=194;t=1' });
    },
    (client) =>
      client.get("/metrics/summary", { query: { timezone: "Europe/Berlin", granularity: undefined } }),
  );
  assert.equal(body.organizationName, "Acme");
  assert.deepEqual(left, { requests: 194, seconds: 1 });
  assert.equal(unchanged, false);
  assert.equal(asked[0]?.url, "/v1/metrics/summary?timezone=Europe%2FBerlin");
  assert.equal(asked[0]?.headers.authorization, "Bearer secret");
});

test("keeps the numbers that it knows, and takes how fresh they are", async () => {
  const [before, now] = ["2026-02-25T10:00:00.000Z", "2026-02-25T10:00:05.000Z"];
  const answer: RequestListener = (request, response) => {
    if (request.headers["if-none-match"] !== 'W/"one"')
      return json(response, { plan: null, completeThrough: before }, { etag: 'W/"one"' });
    response.writeHead(304, { etag: 'W/"one"', "complete-through": now, "generated-at": now }).end();
  };
  const [known, again] = await beside(answer, async (client) => {
    const known = await client.get("/metrics/summary");
    return [known, await client.get("/metrics/summary", { known })];
  });
  assert.equal(known.body.completeThrough, before);
  assert.equal(again.unchanged, true);
  assert.equal(again.body.completeThrough, now);
  assert.equal(again.body.plan, null);
  assert.equal(again.etag, 'W/"one"');
});

test("knows how old a stale answer is", async () => {
  const ages = [{ age: "40" }, {}].map((headers: Record<string, string>) =>
    beside(
      (_, response) => json(response, { stale: true }, headers),
      async (client) => (await client.get("/metrics/trends")).ageSeconds,
    ),
  );
  assert.deepEqual(await Promise.all(ages), [40, 1]);
});

test("a refusal is a problem, be it the API's or not", async () => {
  const refused = (status: number, body: string): Promise<unknown> =>
    beside(
      (_, response) => response.writeHead(status, { "retry-after": "7" }).end(body),
      (client) => client.get("/metrics/summary").catch((error: unknown) => error),
    );
  const details = { type: "/problems/bad-parameter", title: "No", status: 400, parameter: "from" };
  const ours = await refused(400, JSON.stringify(details));
  assert.ok(ours instanceof Problem);
  assert.deepEqual(
    [ours.status, ours.details?.parameter, ours.message, ours.passes],
    [400, "from", "No", false],
  );
  const foreign = await refused(502, "<html>");
  assert.ok(foreign instanceof Problem);
  assert.deepEqual([foreign.details, foreign.retryAfterSeconds, foreign.passes], [null, 7, true]);
});

test("gives up when its time is over or it is asked to", async () => {
  const silent: RequestListener = () => {};
  const slow = beside(silent, async (client) =>
    new Client({ ...client["settings"], timeoutMs: 1 }).get("/metrics/summary"),
  );
  await assert.rejects(slow, { name: "TimeoutError" });
  const aborted = beside(silent, (client) => client.get("/metrics/summary", { signal: AbortSignal.abort() }));
  await assert.rejects(aborted, { name: "AbortError" });
});

test("gives each version that the stream tells", async () => {
  const asked: IncomingMessage[] = [];
  const versions = await beside(
    (request, response) => {
      asked.push(request);
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(": open\n\nevent: version\nid: 7\ndata: {}\n\nevent: version\nid: 8\ndata: {}\n\n");
    },
    (client) => all(client.versions({ after: "6" })),
  );
  assert.deepEqual(versions, ["7", "8"]);
  assert.equal(asked[0]?.headers["last-event-id"], "6");
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}
