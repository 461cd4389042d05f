// Live mode as the page has it: what follows from versions, tokens and browsers.
//
// @vitest-environment happy-dom

import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { cleanup, configure, render, screen } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import type { ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { asked as questions, serve, server } from "../testing/api";
import { tokenOf } from "../testing/tokens";
import { Locks } from "../testing/windows";
import { useThresholds } from "../view/rowSettings";
import { LiveProvider, useLive } from "./live";
import { usePageSettings } from "./pageSettings";
import { SessionProvider, useSession } from "./session";
import { nameOf } from "./windows";

serve();
configure({ asyncUtilTimeout: 10_000 });
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** A browser whose windows can share, and what was posted to its channels. */
function sharing(): { named: string[]; posted: unknown[] } {
  const [named, posted]: [string[], unknown[]] = [[], []];
  const locks = new Locks();
  vi.spyOn(navigator, "locks", "get").mockReturnValue(locks as unknown as LockManager);
  class Channel {
    onmessage = null;
    constructor(name: string) {
      named.push(name);
    }
    postMessage(word: unknown) {
      posted.push(word);
    }
    close() {}
  }
  vi.stubGlobal("BroadcastChannel", Channel);
  return { named, posted };
}

const eventOf = (version: number) => `event: version\nid: ${version}\ndata: {}\n\n`;

/** Streams these versions, and stays open. Resolves tokens that opened one. */
function streaming(...versions: number[]): string[] {
  const opened: string[] = [];
  const events = versions.map(eventOf);
  server.use(
    http.get("*/metrics/stream", ({ request }) => {
      opened.push(request.headers.get("authorization") ?? "");
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode(events.join(""))),
      });
      return new HttpResponse(body, { headers: { "content-type": "text/event-stream" } });
    }),
  );
  return opened;
}

let asked = 0;

function Page() {
  const { state } = useLive();
  const { signIn } = useSession();
  useQuery({ queryKey: ["numbers"], queryFn: () => (asked += 1) });
  return (
    <>
      <output>{state.state}</output>
      <button onClick={() => signIn(next)}>next</button>
    </>
  );
}

const token = tokenOf({ organization_id: "acme", sub: "ann" });
const next = tokenOf({ organization_id: "acme", sub: "ann", jti: "another" });

function open(initial: string, more: ReactNode = null): void {
  asked = 0;
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SessionProvider initial={initial}>
        <LiveProvider>
          <Page />
          {more}
        </LiveProvider>
      </SessionProvider>
    </QueryClientProvider>,
  );
}

it("asks again when the stream tells of a version", async () => {
  sharing();
  streaming(7);
  open(token);
  expect(await screen.findByText("live")).toBeTruthy();
  await expect.poll(() => asked).toBe(2);
});

it("asks for no setting again: somebody may be changing it", async () => {
  sharing();
  const stream: { tell?: (version: number) => void } = {};
  server.use(
    http.get("*/metrics/stream", () => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          stream.tell = (version) => controller.enqueue(new TextEncoder().encode(eventOf(version)));
        },
      });
      return new HttpResponse(body, { headers: { "content-type": "text/event-stream" } });
    }),
  );
  const Settings = () => {
    const settings = [useThresholds(), usePageSettings()];
    return <p>{settings.every(({ isSuccess }) => isSuccess) ? "settings" : "none yet"}</p>;
  };
  open(tokenOf({ organization_id: "acme", scope: "metrics:read settings:read" }), <Settings />);
  expect(await screen.findByText("settings")).toBeTruthy();
  await expect.poll(() => stream.tell).toBeDefined();
  for (const version of [7, 8]) {
    const before = asked;
    stream.tell?.(version);
    await expect.poll(() => asked, { timeout: 20_000 }).toBeGreaterThan(before);
  }
  const ofSettings = questions.filter((question) => /settings/.test(question));
  expect(ofSettings.sort()).toEqual(["/overview/settings.json", "/v1/settings/thresholds"]);
});

it("tells other windows nothing of the token", async () => {
  const { named, posted } = sharing();
  streaming(7);
  open("a.secret.token-that-nobody-may-see");
  expect(await screen.findByText("live")).toBeTruthy();
  expect(named).toContain(await nameOf("a.secret.token-that-nobody-may-see"));
  expect(JSON.stringify([named, posted])).not.toContain("secret");
});

it("polls in a browser whose windows can't share", async () => {
  const opened = streaming(7);
  open(token);
  expect(await screen.findByText("polling")).toBeTruthy();
  expect(opened).toEqual([]);
});

it("keeps its stream when the token is renewed", async () => {
  sharing();
  const opened = streaming(7);
  open(token);
  expect(await screen.findByText("live")).toBeTruthy();
  screen.getByRole("button").click();
  await expect.poll(() => sessionStorage.getItem("token")).toBe(next);
  expect(await screen.findByText("live")).toBeTruthy();
  expect(opened).toEqual([`Bearer ${token}`]);
});

it("begins again with a new token where the old one was refused", async () => {
  sharing();
  server.use(http.get("*/metrics/stream", () => HttpResponse.json({}, { status: 401 })));
  open(token);
  expect(await screen.findByText("unavailable")).toBeTruthy();
  const opened = streaming(7);
  screen.getByRole("button").click();
  expect(await screen.findByText("live")).toBeTruthy();
  expect(opened).toEqual([`Bearer ${next}`]);
});

it("doesn't follow before an organization is chosen", async () => {
  sharing();
  const opened = streaming(7);
  open(tokenOf({ organizations: ["acme", "beta"] }));
  expect(await screen.findByText("off")).toBeTruthy();
  expect(opened).toEqual([]);
});
