// Whether single keys run commands; stored for this browser. People who speak to their computer switch them off.

import { useSyncExternalStore } from "react";

const STORED_AS = "single-keys";

const listeners = new Set<() => void>();
let on: boolean | null = null;

/** Whether they do, and a function that changes it. */
export function useSingleKeys(): [boolean, (on: boolean) => void] {
  return [useSyncExternalStore(subscribe, singleKeys), choose];
}

export function singleKeys(): boolean {
  return (on ??= stored());
}

function choose(next: boolean): void {
  on = next;
  try {
    localStorage.setItem(STORED_AS, next ? "on" : "off");
  } catch {
    // storage is switched off: the choice lasts as long as the page does
  }
  for (const notify of listeners) notify();
}

function subscribe(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}

function stored(): boolean {
  try {
    return localStorage.getItem(STORED_AS) !== "off";
  } catch {
    return true;
  }
}
