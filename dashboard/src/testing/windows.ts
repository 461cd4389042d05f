// The windows of a browser, for tests: their locks, their channels, and whether they are seen.

import type { Channel, Windows } from "../api/sharing";

type Act = (lock: Lock | null) => unknown;

interface Held {
  /** Rejects the holder's request: the lock was stolen. */
  lose: () => void;
}

/** Web Locks, exclusive ones: https://w3c.github.io/web-locks/ */
export class Locks {
  private readonly held = new Map<string, Held>();
  private readonly waiting = new Map<string, (() => void)[]>();

  readonly request = ((name: string, options: LockOptions, act: Act): Promise<unknown> => {
    const { signal, steal = false, ifAvailable = false } = options;
    return new Promise((resolve, reject) => {
      const hold = () => {
        const lost = { lose: () => reject(new DOMException("stolen", "AbortError")) };
        this.held.set(name, lost);
        const done = () => {
          if (this.held.get(name) !== lost) return;
          this.held.delete(name);
          this.waiting.get(name)?.shift()?.();
        };
        // As a browser does, in a task of its own.
        void Promise.resolve()
          .then(() => act({ name, mode: "exclusive" }))
          .then(resolve, reject)
          .finally(done);
      };
      if (signal?.aborted === true) return reject(signal.reason as Error);
      if (steal) {
        this.held.get(name)?.lose();
        return hold();
      }
      if (!this.held.has(name)) return hold();
      if (ifAvailable) return void Promise.resolve(act(null)).then(resolve, reject);
      const queue = this.waiting.get(name) ?? [];
      this.waiting.set(name, queue);
      queue.push(hold);
      signal?.addEventListener("abort", () => {
        const at = queue.indexOf(hold);
        if (at < 0) return; // it has the lock
        queue.splice(at, 1);
        reject(signal.reason as Error);
      });
    });
  }) as LockManager["request"];
}

/** A browser. */
export class Browser {
  readonly locks = new Locks();
  private readonly channels = new Set<{ name: string; of: Seen; channel: Channel }>();

  /** Opens a window. */
  open(visible = true): Seen {
    return new Seen(this, visible);
  }

  /** A window's channel of that name. */
  channel(of: Seen, name: string): Channel {
    const hears: Channel = {
      onmessage: null,
      postMessage: () => {},
      close: () => this.channels.delete(entry),
    };
    const entry = { name, of, channel: hears };
    hears.postMessage = (data: unknown) => {
      if (of.frozen) return;
      const others = [...this.channels].filter((other) => other !== entry && other.name === name);
      for (const other of others) {
        queueMicrotask(() => {
          if (!other.of.frozen && this.channels.has(other))
            other.channel.onmessage?.call({} as BroadcastChannel, { data } as MessageEvent);
        });
      }
    };
    this.channels.add(entry);
    return hears;
  }
}

/** A window of a browser. */
export class Seen {
  /** Whether it neither says nor hears anything, though it holds what it holds. */
  frozen = false;
  private readonly end = new AbortController();
  private readonly noticed = new Set<() => void>();

  constructor(
    private readonly browser: Browser,
    private visible: boolean,
  ) {}

  /** Aborts when it is closed. */
  get closed(): AbortSignal {
    return this.end.signal;
  }

  get windows(): Windows {
    return {
      locks: this.browser.locks,
      channel: (name) => this.browser.channel(this, name),
      isVisible: () => this.visible,
      onVisibility: (act, signal) => {
        this.noticed.add(act);
        signal.addEventListener("abort", () => this.noticed.delete(act));
      },
    };
  }

  show(visible: boolean): void {
    this.visible = visible;
    for (const act of this.noticed) act();
  }

  close(): void {
    this.end.abort();
  }
}
