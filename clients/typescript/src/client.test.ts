// What the client sends, and how it reads what comes back, beside a server of its own.

import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Client } from "./client.js";
import { Problem } from "./problem.js";

/** Asks a server that answers like this, and ends it. */
async function beside<T>(
  answer: RequestListener,
  ask: (client: Client, url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  try {
    return await ask(new Client({ url, token: "secret" }), url);
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

test("knows how old a stale answer is, also one of which a part is stale", async () => {
  const answers: [object, Record<string, string>][] = [
    [{ stale: true }, { age: "40" }],
    [{ stale: true }, {}],
    [{ summary: {}, trends: { stale: true } }, { age: "7" }],
    [{ summary: {}, stale: false }, { age: "7" }],
  ];
  const ages = answers.map(([body, headers]) =>
    beside(
      (_, response) => json(response, body, headers),
      async (client) => (await client.get("/metrics/overview")).ageSeconds,
    ),
  );
  assert.deepEqual(await Promise.all(ages), [40, 1, 7, 0]);
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

test("sends a body, and a value as one part of the path", async () => {
  const asked: string[] = [];
  const removed = await beside(
    async (request, response) => {
      const body = (await request.toArray()).join("");
      asked.push(`${request.method} ${request.url} ${request.headers["content-type"]} ${body}`);
      response.writeHead(204).end();
    },
    async (client) => {
      await client.request("put", "/settings/thresholds", { body: { thresholds: {} } });
      return client.request("delete", "/settings/webhooks/{webhook}", { path: { webhook: "a/b?c" } });
    },
  );
  assert.equal(removed.body, undefined);
  assert.deepEqual(asked, [
    'PUT /v1/settings/thresholds application/json {"thresholds":{}}',
    "DELETE /v1/settings/webhooks/a%2Fb%3Fc undefined ",
  ]);
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

test("says which of the token's organizations is meant, and with what requests are sent", async () => {
  const asked: (string | undefined)[] = [];
  const sent: string[] = [];
  const note: RequestListener = (request, response) => {
    asked.push(request.headers["organization-id"] as string | undefined);
    json(response, {});
  };
  await beside(note, async (client, url) => {
    await client.get("/metrics/summary");
    await new Client({ url, token: "secret", organization: null }).get("/metrics/summary");
    const seen: typeof fetch = (input, init) => {
      sent.push(String(input));
      return fetch(input, init);
    };
    const beta = new Client({ url, token: "secret", organization: "beta", fetch: seen });
    await beta.get("/metrics/summary");
    // A request's own choice comes first.
    await beta.get("/metrics/summary", { header: { "Organization-Id": "acme" } });
    assert.deepEqual(sent, [`${url}v1/metrics/summary`, `${url}v1/metrics/summary`]);
  });
  assert.deepEqual(asked, [undefined, undefined, "beta", "acme"]);
});

test("gives each version that the stream tells, however it is cut into pieces", async () => {
  const stream =
    ': open\n\nevent: version\nid: 7\ndata: {"version": 7}\n\n: alive\n\nevent: other\nid: x\ndata: {}\n\n' +
    "event: version\r\nid: 8\r\ndata: {}\r\n\r\nevent: version\nid: 9\n\n: the token has expired\n\n";
  for (const size of [1, 7, stream.length]) {
    const asked: IncomingMessage[] = [];
    const versions = await beside(
      async (request, response) => {
        asked.push(request);
        response.writeHead(200, { "content-type": "text/event-stream" });
        for (let at = 0; at < stream.length; at += size) {
          await new Promise((sent) => response.write(stream.slice(at, at + size), sent));
        }
        response.end();
      },
      (client) => all(client.versions({ after: "6" })),
    );
    assert.deepEqual(versions, ["7", "8"], `pieces of ${size}`); // an event without data is none
    assert.equal(asked[0]?.headers["last-event-id"], "6");
  }
});

test("takes no stream for the API's whose lines don't end", async () => {
  const endless: RequestListener = (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("x".repeat(70_000));
  };
  await assert.rejects(
    beside(endless, (client) => all(client.versions())),
    { name: "ParseError" },
  );
});

test("closes a stream that isn't read any more", async () => {
  let closed: () => void = () => {};
  const seen = new Promise<void>((resolve) => (closed = resolve));
  const open: RequestListener = (_, response) => {
    response.once("close", closed);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("event: version\nid: 7\ndata: {}\n\n");
  };
  await beside(open, async (client) => {
    for await (const version of client.versions()) {
      assert.equal(version, "7");
      break;
    }
    await seen;
  });
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

/** What doesn't compile. Nobody calls it. */
export function refused(client: Client): unknown[] {
  return [
    // @ts-expect-error there is no such path
    client.get("/metrics/nothing"),
    // @ts-expect-error there is no such parameter
    client.get("/metrics/summary", { query: { tz: "UTC" } }),
    // @ts-expect-error there is no such value
    client.get("/metrics/summary", { query: { compare: "yesterday" } }),
    // @ts-expect-error the path has a parameter
    client.request("delete", "/settings/webhooks/{webhook}"),
    // @ts-expect-error it needs a body
    client.request("put", "/settings/thresholds"),
    // @ts-expect-error an answer has no such member
    client.get("/metrics/summary").then((answer) => answer.body.nothing),
  ];
}
