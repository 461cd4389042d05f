// Follows the organization's version over `/metrics/stream` until it is aborted: connects, listens, reconnects.

import { Client, Problem } from "business-metrics-client";

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
  /** The version is the first one, or differs from the last one. */
  changed: () => void;
  /** The state of the connection has changed. */
  stateChanged: (state: LiveState) => void;
}

/** The pause before attempt `failures + 1`, in ms: doubled each time, less a random part of up to a half. */
export function pause(failures: number, chance: number): number {
  const whole = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1));
  return whole * (1 - chance / 2);
}

/** Follows until `signal` aborts, or the server refuses for good. */
export async function follow(token: string, follower: Follower, signal: AbortSignal): Promise<void> {
  let known: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    follower.stateChanged({ state: "connecting" });
    let wait: number | null = null;
    try {
      for await (const version of new Client({ token }).versions({ signal })) {
        failures = 0;
        follower.stateChanged({ state: "live" });
        if (known !== version) follower.changed(); // the first may already be newer than what was loaded
        known = version;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && !error.passes) return follower.stateChanged({ state: "unavailable" });
      if (error instanceof Problem && error.retryAfterSeconds !== null)
        wait = error.retryAfterSeconds * 1_000;
    }
    failures += 1;
    wait = Math.max(wait ?? 0, pause(failures, Math.random()));
    follower.stateChanged({ state: "waiting", until: Date.now() + wait });
    await elapsed(wait, signal);
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
