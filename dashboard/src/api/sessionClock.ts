// Does what is due of a session, when it is: renews it, or has it begun again.

import { type Due, duesOf } from "./expiry";
import { serverNow } from "./serverClock";
import type { State } from "./sessionState";

/** An answer may set the clock, and a sleeping computer wakes late: dues are looked at again at least this often. */
const LOOK_AGAIN_MS = 30_000;
/** And at most this often. */
const LOOK_AGAIN_SOON_MS = 1_000;

type Acts = Readonly<Partial<Record<Due, () => void>>>;

export class SessionClock {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly acts: Acts) {}

  /** Does what is due of this state, and comes back for what is due later by calling `again`. */
  look({ claims, grant }: Pick<State, "claims" | "grant">, again: () => void): void {
    this.stop();
    const dues = duesOf(claims, grant);
    if (dues.length === 0) return;
    const now = serverNow().getTime();
    const ahead = dues.flatMap(([, at]) => (at > now ? [at - now] : []));
    const pause = Math.max(LOOK_AGAIN_SOON_MS, Math.min(LOOK_AGAIN_MS, ...ahead));
    this.timer = setTimeout(again, pause);
    for (const [due, at] of dues) if (at <= now) this.acts[due]?.();
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
