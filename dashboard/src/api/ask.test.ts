// Answers and refusals, and how `ask` reads them.
//
// @vitest-environment happy-dom

import { HttpResponse } from "msw";
import { expect, it } from "vitest";
import { ask, clientOf } from "./ask";
import { answer, answerTo, asked, cut, refuse, serve } from "../testing/api";
import { summary } from "../testing/answers";
import { Refusal } from "./refusal";

serve();

const askSummary = (signal = new AbortController().signal) =>
  ask(
    (client, signal) =>
      client.get("/metrics/summary", {
        query: { timezone: "Europe/Berlin", granularity: undefined },
        signal,
      }),
    "secret",
    null,
    signal,
  );

it("asks for what is set and takes the answer", async () => {
  const { body, ageSeconds } = await askSummary();
  expect(body.organizationName).toBe("Acme");
  expect(ageSeconds).toBe(0);
  expect(asked).toEqual(["/v1/metrics/summary?timezone=Europe%2FBerlin"]);
});

it("takes how fresh the numbers are from the headers, which a copy's 304 renews", async () => {
  const at = "2026-02-25T10:00:00.000Z";
  answer("summary", summary(), { "complete-through": at, "generated-at": at });
  expect((await askSummary()).body).toMatchObject({ completeThrough: at, generatedAt: at });
  answer("summary", summary(), { "complete-through": "null" });
  expect((await askSummary()).body).toMatchObject({
    completeThrough: null,
    generatedAt: summary().generatedAt,
  });
});

it("knows how old a stale answer is", async () => {
  answer("summary", { stale: true, ...summary() }, { age: "40" });
  expect((await askSummary()).ageSeconds).toBe(40);
  answer("summary", { stale: true, ...summary() });
  expect((await askSummary()).ageSeconds).toBe(1);
});

it.each([
  [400, "malformed", false],
  [401, "unauthorized", false],
  [403, "forbidden", false],
  [404, "absent", false],
  [429, "limited", true],
  [500, "unavailable", true],
  [503, "unavailable", true],
])("%d is %s", async (status, kind, passes) => {
  refuse("summary", status, { "retry-after": "7" });
  const refusal = await askSummary().catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ kind, passes, detail: `this is ${status}`, retryAfterSeconds: 7 });
});

it("says that nobody answers", async () => {
  cut("summary");
  await expect(askSummary()).rejects.toMatchObject({ kind: "unreachable", passes: true });
});

it("doesn't take a question withdrawn for a lost connection", async () => {
  const signal = AbortSignal.abort();
  await expect(askSummary(signal)).rejects.not.toBeInstanceOf(Refusal);
});

it("names the organization that was chosen of several", async () => {
  const chosen: (string | null)[] = [];
  answerTo("get", "/metrics/summary", ({ request }) => {
    chosen.push(request.headers.get("organization-id"));
    return HttpResponse.json(summary());
  });
  await clientOf("secret", "org_2").get("/metrics/summary");
  await clientOf("secret", null).get("/metrics/summary");
  expect(chosen).toEqual(["org_2", null]);
});

it("says which problem it is", async () => {
  answerTo("get", "/metrics/summary", () =>
    HttpResponse.json({ type: "/problems/other-organization", title: "No", status: 403 }, { status: 403 }),
  );
  await expect(askSummary()).rejects.toMatchObject({ kind: "forbidden", code: "other-organization" });
});
