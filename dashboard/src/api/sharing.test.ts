// Which windows of a browser have a stream, and what the others are told.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Browser, type Seen } from "../testing/windows";
import type { Follower, LiveState } from "./follow";
import { share, STREAMS_MAX } from "./sharing";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A server's streams, and the windows that read them. */
class World {
  readonly browser = new Browser();
  /** The windows that have a stream. */
  readonly streams = new Map<Seen, Follower>();
  /** How many streams were opened in all. */
  opened = 0;
  refuses = false;
  private readonly told = new Map<Seen, string[]>();
  private readonly states = new Map<Seen, LiveState["state"]>();

  async open(name = "acme", visible = true): Promise<Seen> {
    const window = this.browser.open(visible);
    const versions: string[] = [];
    this.told.set(window, versions);
    const follower: Follower = {
      told: (version) => versions.push(version),
      stateChanged: ({ state }) => this.states.set(window, state),
    };
    const follow = (teller: Follower, signal: AbortSignal) => this.stream(window, teller, signal);
    void share(name, follow, follower, window.windows, window.closed);
    await settled();
    return window;
  }

  private async stream(window: Seen, teller: Follower, signal: AbortSignal): Promise<void> {
    this.opened += 1;
    if (this.refuses) return teller.stateChanged({ state: "unavailable" });
    this.streams.set(window, teller);
    teller.stateChanged({ state: "live" });
    teller.told("1");
    if (!signal.aborted)
      await new Promise((ended) => signal.addEventListener("abort", ended, { once: true }));
    this.streams.delete(window);
  }

  async tell(version: string): Promise<void> {
    for (const teller of this.streams.values()) teller.told(version);
    await settled();
  }

  /** The last version that each window was told. */
  known(...windows: Seen[]): (string | undefined)[] {
    return windows.map((window) => this.told.get(window)?.at(-1));
  }

  stateOf(...windows: Seen[]): (string | undefined)[] {
    return windows.map((window) => this.states.get(window));
  }

  /** The one window that has a stream. */
  get leader(): Seen {
    expect(this.streams.size).toBe(1);
    const [leader] = this.streams.keys();
    if (leader === undefined) throw new Error("nobody leads");
    return leader;
  }
}

/** Everything that follows without time has happened. */
const settled = () => vi.advanceTimersByTimeAsync(0);
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

it("twelve windows have one stream, and all are told", async () => {
  const world = new World();
  const windows: Seen[] = [];
  for (let count = 0; count < 12; count += 1) windows.push(await world.open());
  await world.tell("2");
  await seconds(600);
  expect(world.known(...windows)).toEqual(windows.map(() => "2"));
  expect(world.stateOf(...windows)).toEqual(windows.map(() => "live"));
  expect(world.opened).toBe(1);
});

it("a window that comes later is told at once what the leader knows", async () => {
  const world = new World();
  await world.open();
  await world.tell("7");
  const late = await world.open();
  expect(world.known(late)).toEqual(["7"]);
  expect(world.stateOf(late)).toEqual(["live"]);
});

it("another window goes on at once when the leader is closed", async () => {
  const world = new World();
  const [first, second, third] = [await world.open(), await world.open(), await world.open()];
  expect(world.leader).toBe(first);
  first.close();
  await settled();
  expect(world.leader).toBe(second);
  await world.tell("3");
  expect(world.known(second, third)).toEqual(["3", "3"]);
});

it("a hidden leader gives way to a window that is seen", async () => {
  const world = new World();
  const [first, second, third] = [await world.open(), await world.open(), await world.open()];
  second.show(false);
  first.show(false);
  await seconds(1);
  expect(world.leader).toBe(third);
  await world.tell("4");
  expect(world.known(first, second, third)).toEqual(["4", "4", "4"]);
});

it("a hidden leader goes on while no window is seen, until one is", async () => {
  const world = new World();
  const [first, second] = [await world.open(), await world.open()];
  first.show(false);
  second.show(false);
  await seconds(60);
  expect(world.streams.size).toBe(1);
  await world.tell("5");
  expect(world.known(first, second)).toEqual(["5", "5"]);
  const hidden = world.leader === first ? second : first;
  hidden.show(true);
  await seconds(1);
  expect(world.leader).toBe(hidden);
});

it("several windows that are seen don't take the lead from each other", async () => {
  const world = new World();
  const first = await world.open();
  for (let count = 0; count < 8; count += 1) await world.open();
  first.show(false);
  await seconds(600);
  expect(world.streams.size).toBe(1);
  expect(world.opened).toBeLessThanOrEqual(3);
});

it("a leader that hangs is replaced", async () => {
  const world = new World();
  const [first, second] = [await world.open(), await world.open()];
  first.frozen = true;
  await seconds(40);
  await world.tell("6");
  expect([...world.streams.keys()]).toContain(second);
  expect(world.known(second)).toEqual(["6"]);
  // It notices once it goes on, and is told like the others.
  first.frozen = false;
  await seconds(40);
  await world.tell("7");
  expect(world.leader).toBe(second);
  expect(world.known(first)).toEqual(["7"]);
});

it("a window whose stream is refused doesn't keep others from trying theirs", async () => {
  const world = new World();
  world.refuses = true;
  const refused = await world.open();
  expect(world.stateOf(refused)).toEqual(["unavailable"]);
  world.refuses = false;
  const other = await world.open();
  expect(world.leader).toBe(other);
  expect(world.stateOf(refused, other)).toEqual(["unavailable", "live"]);
});

it("organizations beyond the browser's share poll until a stream is free", async () => {
  const world = new World();
  const first: Seen[] = [];
  for (let count = 1; count <= STREAMS_MAX; count += 1) first.push(await world.open(`organization ${count}`));
  const late = [await world.open("one more"), await world.open("one more")];
  expect(world.streams.size).toBe(STREAMS_MAX);
  expect(world.stateOf(...late)).toEqual(["polling", "polling"]);
  first[0]?.close();
  await seconds(20);
  expect(world.streams.size).toBe(STREAMS_MAX);
  expect(world.stateOf(...late)).toEqual(["live", "live"]);
});

it("nothing is left when all windows are closed", async () => {
  const world = new World();
  const windows = [await world.open(), await world.open()];
  for (const window of windows) window.close();
  await settled();
  expect(world.streams.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
