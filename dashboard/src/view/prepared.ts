// Makes formats before the first answer needs them: while it is awaited the browser has nothing else to do.

import { serverNow } from "../api/serverClock";
import type { Formats } from "./formats";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Makes what cards and range are written with, one format at a time, so that nothing waits for all. Returns what ends it. */
export function prepare(formats: Formats): () => void {
  const steps = usesOf(formats);
  let timer: ReturnType<typeof setTimeout> = setTimeout(next);
  function next(): void {
    steps.shift()?.();
    if (steps.length > 0) timer = setTimeout(next);
  }
  return () => clearTimeout(timer);
}

function usesOf(formats: Formats): (() => string | object)[] {
  const now = serverNow();
  const [from, to] = [now.toISOString(), new Date(now.getTime() + DAY_MS).toISOString()];
  return [
    () => formats.quantity(1, { unit: "percent" }),
    () => formats.range({ from, to, granularity: "day" }),
    () => formats.dated(now),
    () => formats.exactly(now),
    () => formats.compact(1),
    () => formats.compact(1_000_000),
    () => formats.quantity(1, { unit: "ms" }),
    () => formats.points(1),
    () => formats.change(1),
    () => formats.period(from, to),
    () => formats.moment(now),
    () => formats.tick(from, "hour"),
  ];
}
