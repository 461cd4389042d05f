// What of the command menu is shown. Its button and its dialog stand in different places of the page.

import { useSyncExternalStore } from "react";

export type Shown = "nothing" | "commands" | "keys";

const listeners = new Set<() => void>();
let shown: Shown = "nothing";

export function useShown(): Shown {
  return useSyncExternalStore(subscribe, () => shown);
}

export function show(next: Shown): void {
  shown = next;
  for (const notify of listeners) notify();
}

function subscribe(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}
