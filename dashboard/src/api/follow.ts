// Follows the organization's version over `/metrics/stream` until it is aborted: connects, listens, reconnects.

import { type Client, Problem } from "business-metrics-client";
import { elapsed } from "./elapsed";

/** The first pause after a connection is lost; each further one is twice as long. */
const PAUSE_FIRST_MS = 1_000;
const PAUSE_MAX_MS = 30_000;

export type LiveState =
  | { state: "off" }
  | { state: "connecting" }
  | { state: "live" }
  | { state: "waiting"; until: number }
  | { state: "polling" } // nothing tells of changes: this browser can't share a stream, or has enough of them
  | { state: "unavailable" }; // the stream refuses this token

export interface Follower {
  /** The organization's version, whether it is another one or not. */
  told: (version: string) => void;
  /** The state of the connection has changed. */
  stateChanged: (state: LiveState) => void;
}

/** The pause before attempt `failures + 1`, in ms: doubled each time, less a random part of up to a half. */
export function pause(failures: number, chance: number): number {
  const whole = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1));
  return whole * (1 - chance / 2);
}

/** Follows until `signal` aborts, or the server refuses for good. `client` gives one with the token of the moment. */
export async function follow(client: () => Client, follower: Follower, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    follower.stateChanged({ state: "connecting" });
    let wait: number | null = null;
    try {
      for await (const version of client().versions({ signal })) {
        failures = 0;
        follower.stateChanged({ state: "live" });
        follower.told(version);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && !error.passes) return follower.stateChanged({ state: "unavailable" });
      if (error instanceof Problem && error.retryAfterSeconds !== null)
        wait = error.retryAfterSeconds * 1_000;
    }
    if (signal.aborted) return;
    failures += 1;
    wait = Math.max(wait ?? 0, pause(failures, Math.random()));
    follower.stateChanged({ state: "waiting", until: Date.now() + wait });
    await elapsed(wait, signal);
  }
}
