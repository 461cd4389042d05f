// The theme: light, dark, or the system's; stored for this browser.

import { useSyncExternalStore } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED_AS = "theme";

const listeners = new Set<() => void>();
let chosen: Theme | null = null;

/** Applies the stored choice. */
export function applyStoredTheme(): void {
  apply(theme());
}

/** The choice, and a function that changes it. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  return [useSyncExternalStore(subscribe, theme), choose];
}

function choose(next: Theme): void {
  chosen = next;
  apply(next);
  try {
    localStorage.setItem(STORED_AS, next);
  } catch {
    // storage is switched off: the choice lasts as long as the page does
  }
  for (const notify of listeners) notify();
}

function subscribe(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}

function theme(): Theme {
  return (chosen ??= storedTheme());
}

function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(STORED_AS);
    return THEMES.find((known) => known === stored) ?? "system";
  } catch {
    return "system";
  }
}

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}
