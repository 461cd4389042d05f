// One stream for all windows of a browser. The window that holds a lock leads: it follows the stream, and tells the others
// over a channel. HTTP/1.1 gives a browser six connections to a server, so a stream for each window would take them all.
//
// A window that waits for the lock gets it when the leader is closed. A visible window takes it from a leader that is
// hidden, which the browser may slow down or freeze at any time, and from one that has fallen silent.

import { elapsed } from "./elapsed";
import type { Follower, LiveState } from "./follow";
import type { Sight } from "./pace";

/** How many streams a browser has at most, of all organizations that its windows show: half of the connections. */
export const STREAMS_MAX = 3;
/** The pause before a leader without a stream looks for a free one again. */
const LOOK_AGAIN_MS = 15_000;
/** How often a leader says that it is there. */
const SAY_EVERY_MS = 10_000;
/** A visible leader that hasn't said so for this long hangs. */
const SILENT_MS = 35_000;
/** Windows that want to lead at once wait for up to this long, so that one of them is first. */
const TAKE_OVER_WITHIN_MS = 300;

/** What windows say to each other. */
type Word =
  { kind: "who leads" } | { kind: "I lead"; state: LiveState; version: string | null; visible: boolean };

/** What a leader tells anew; nothing says that it is still there. */
interface Change {
  state?: LiveState;
  version?: string;
}

/** What of the browser is used; tests have their own. */
export interface Windows extends Sight {
  locks: Pick<LockManager, "request">;
  channel: (name: string) => Channel;
}

export type Channel = Pick<BroadcastChannel, "postMessage" | "onmessage" | "close">;

/** Follows the stream for this window's follower, and for others as long as it leads. */
type Follow = (follower: Follower, signal: AbortSignal) => Promise<void>;

/** Follows a stream together with all windows that use the same name. Resolves when the signal aborts, or the stream refuses. */
export async function share(
  name: string,
  follow: Follow,
  follower: Follower,
  windows: Windows,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  const end = new AbortController();
  const ends = AbortSignal.any([signal, end.signal]);
  try {
    await new Sharing(name, follow, follower, windows, ends).run();
  } finally {
    end.abort();
  }
}

class Sharing {
  private readonly channel: Channel;
  /** What this window last said as leader; null while another one leads. */
  private own: Extract<Word, { kind: "I lead" }> | null = null;
  /** Ends this window's lead, or its waiting for it. */
  private turn = new AbortController();
  private takesOver = false;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly name: string,
    private readonly follow: Follow,
    private readonly follower: Follower,
    private readonly windows: Windows,
    private readonly signal: AbortSignal,
  ) {
    this.channel = windows.channel(name);
    this.channel.onmessage = ({ data }: MessageEvent<Word>) => this.hear(data);
    windows.onVisibility(() => this.visibilityChanged(), signal);
    signal.addEventListener("abort", () => this.close(), { once: true });
  }

  async run(): Promise<void> {
    this.follower.stateChanged({ state: "connecting" });
    this.ask();
    while (!this.signal.aborted) {
      if (await this.takeTurn()) return;
    }
  }

  /** Waits for the lock, or takes it, and leads. Whether it is over for good. */
  private async takeTurn(): Promise<boolean> {
    this.turn = new AbortController();
    const ends = AbortSignal.any([this.signal, this.turn.signal]);
    const how: LockOptions = this.takesOver ? { steal: true } : { signal: ends };
    this.takesOver = false;
    try {
      await this.windows.locks.request(this.name, how, () => this.lead(ends));
      // It may have got the lock just when it was about to take it.
      return !this.turn.signal.aborted;
    } catch (error) {
      // Another window has taken the lock, or this one stops waiting because it is to take it.
      this.turn.abort();
      if (error instanceof DOMException && error.name === "AbortError") return false;
      this.follower.stateChanged({ state: "polling" }); // this browser gives no locks here
      return true;
    } finally {
      this.own = null;
    }
  }

  private async lead(ends: AbortSignal): Promise<void> {
    clearTimeout(this.silence);
    // When it is over, the stream may still have something to tell.
    const say = (change: Change) => !ends.aborted && this.say(change);
    say({ state: { state: "connecting" } });
    const beat = setInterval(() => say({}), SAY_EVERY_MS);
    const teller: Follower = {
      told: (version) => say({ version }),
      stateChanged: (state) => say({ state }),
    };
    try {
      await inPlace(this.windows.locks, teller, () => this.follow(teller, ends), ends);
    } finally {
      clearInterval(beat);
    }
  }

  /** Tells this window and the others what has changed, or just that it leads. */
  private say({ state, version }: Change): void {
    this.own = {
      kind: "I lead",
      state: state ?? this.own?.state ?? { state: "connecting" },
      version: version ?? this.own?.version ?? null,
      visible: this.windows.isVisible(),
    };
    this.channel.postMessage(this.own);
    if (state !== undefined) this.follower.stateChanged(state);
    if (version !== undefined) this.follower.told(version);
  }

  private hear(word: Word): void {
    if (word.kind === "who leads") {
      if (this.own !== null) this.say({});
    } else if (this.own === null) {
      this.follower.stateChanged(word.state);
      if (word.version !== null) this.follower.told(word.version);
      this.expectMore(word.visible);
    }
  }

  /** A leader was heard. A visible window takes over at once from a hidden one, and later from one that isn't heard again. */
  private expectMore(visible: boolean): void {
    clearTimeout(this.silence);
    if (!this.windows.isVisible()) return; // its own timers may be late, so it can't judge
    const pause = visible ? SILENT_MS : Math.random() * TAKE_OVER_WITHIN_MS;
    this.silence = setTimeout(() => this.takeOver(), pause);
  }

  private takeOver(): void {
    if (this.own !== null || !this.windows.isVisible() || this.signal.aborted) return;
    this.takesOver = true;
    this.turn.abort();
  }

  private visibilityChanged(): void {
    if (this.own !== null) this.say({});
    else if (this.windows.isVisible()) this.ask();
    else clearTimeout(this.silence);
  }

  /** Has the leader say what it knows. If nobody leads, this window is about to. */
  private ask(): void {
    this.channel.postMessage({ kind: "who leads" } satisfies Word);
    this.expectMore(true);
  }

  private close(): void {
    clearTimeout(this.silence);
    this.channel.close();
  }
}

/** Follows in one of the places that a browser has for streams; polls while all are taken. */
async function inPlace(
  locks: Windows["locks"],
  follower: Follower,
  act: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (let place = 1; place <= STREAMS_MAX; place += 1) {
      const wasFree = await locks.request(`live stream ${place}`, { ifAvailable: true }, async (lock) => {
        if (lock !== null) await act();
        return lock !== null;
      });
      if (wasFree) return;
    }
    follower.stateChanged({ state: "polling" });
    await elapsed(LOOK_AGAIN_MS, signal);
  }
}
