// The commands of the page: each panel registers its own, and the command menu lists them all.

import type { LucideIcon } from "lucide-react";
import { useEffect, useId, useSyncExternalStore } from "react";

export interface Command {
  /** Names it, once on the page: `trend.csv`. */
  id: string;
  label: string;
  /** The keys that run it, as `t` or `g c` (one after the other). */
  keys?: string;
  icon?: LucideIcon;
  run: () => void;
}

const registered = new Map<string, readonly Command[]>();
const listeners = new Set<() => void>();
let all: readonly Command[] = [];

function changed(): void {
  all = [...registered.values()].flat();
  for (const notify of listeners) notify();
}

/** Registers the commands for as long as the component is there. Memoize them: each new array is registered anew. */
export function useCommands(commands: readonly Command[]): void {
  const owner = useId();
  useEffect(() => {
    registered.set(owner, commands);
    changed();
    return () => {
      registered.delete(owner);
      changed();
    };
  }, [owner, commands]);
}

/** All commands that are registered now. */
export function useRegisteredCommands(): readonly Command[] {
  return useSyncExternalStore(subscribe, () => all);
}

function subscribe(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}
