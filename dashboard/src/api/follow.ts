// Follows the organization's version over `/metrics/stream` until told to stop: connects, listens, reconnects.

import { EventParser } from "./eventParser";
import { Refusal } from "./refusal";

/** The server sends at least a comment every 15 s; silence for three of those is a dead connection. */
const SILENCE_LIMIT_MS = 45_000;
/** The first pause after a connection is lost; each further one is twice as long. */
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 30_000;

export type LiveState =
  | { state: "off" }
  | { state: "connecting" }
  | { state: "live" }
  | { state: "waiting"; until: number }
  | { state: "unavailable" }; // this API has no stream, or this token doesn't open it

export interface Follower {
  /** The version is another than the one before, or the first that is heard of. */
  changed: () => void;
  /** How the connection stands. */
  stands: (state: LiveState) => void;
}

/** The pause before attempt `failures + 1`, in ms: doubled each time, and up to half of it left to chance. */
export function pause(failures: number, chance: number): number {
  const whole = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1));
  return whole * (1 - chance / 2);
}

/** Follows until `signal` aborts or the server says that there is nothing to follow. */
export async function follow(token: string, follower: Follower, signal: AbortSignal): Promise<void> {
  let known: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    follower.stands({ state: "connecting" });
    let wait: number | null = null;
    try {
      for await (const version of versions(token, signal)) {
        failures = 0;
        follower.stands({ state: "live" });
        if (known !== version) follower.changed(); // the first may already be newer than what was loaded
        known = version;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && !error.passes) return follower.stands({ state: "unavailable" });
      if (error instanceof Refusal && error.retryAfterSeconds !== null)
        wait = error.retryAfterSeconds * 1_000;
    }
    failures += 1;
    wait = Math.max(wait ?? 0, pause(failures, Math.random()));
    follower.stands({ state: "waiting", until: Date.now() + wait });
    await elapsed(wait, signal);
  }
}

/** The versions one connection tells of. */
async function* versions(token: string, signal: AbortSignal): AsyncGenerator<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
  try {
    const response = await fetch("/metrics/stream", {
      headers: { accept: "text/event-stream", authorization: `Bearer ${token}` },
      cache: "no-store",
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (!response.ok) throw await Refusal.of(response);
    if (response.body === null) return;
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
      for (const event of parser.push(read.value)) if (event.name === "version") yield event.id;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Resolves after `ms`, or when the signal aborts. */
function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
