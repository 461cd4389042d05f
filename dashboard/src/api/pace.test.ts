// How often a window acts on changes, seen and hidden.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Browser } from "../testing/windows";
import { paced } from "./pace";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watched(visible: boolean) {
  const window = new Browser().open(visible);
  const act = vi.fn();
  return { window, act, change: paced(act, window.windows, window.closed) };
}

it("acts at once, then at most every two seconds, and after the last change", () => {
  const { act, change } = watched(true);
  change();
  vi.advanceTimersByTime(0);
  expect(act).toHaveBeenCalledTimes(1);
  for (let count = 0; count < 100; count += 1) {
    change();
    vi.advanceTimersByTime(100);
  }
  expect(act).toHaveBeenCalledTimes(6);
  change();
  vi.advanceTimersByTime(1_999);
  expect(act).toHaveBeenCalledTimes(6);
  vi.advanceTimersByTime(60_000);
  expect(act).toHaveBeenCalledTimes(7);
});

it("acts rarely while nobody looks, and as soon as somebody does", () => {
  const { window, act, change } = watched(false);
  change();
  vi.advanceTimersByTime(0);
  change();
  vi.advanceTimersByTime(10_000);
  expect(act).toHaveBeenCalledTimes(1);
  window.show(true);
  vi.advanceTimersByTime(0);
  expect(act).toHaveBeenCalledTimes(2);
});

it("doesn't act any more once it is over", () => {
  const { window, act, change } = watched(true);
  change();
  window.close();
  change();
  vi.advanceTimersByTime(60_000);
  expect(act).not.toHaveBeenCalled();
});
