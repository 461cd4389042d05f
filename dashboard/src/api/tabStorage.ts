// What the page keeps for this tab only: the browser forgets it when the tab is closed.

/** What an earlier load of this tab has kept under this name. */
export function kept(name: string): string | null {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null; // storage is switched off: what was kept lives as long as the page does
  }
}

/** Keeps a text for this tab; null forgets it. */
export function keep(name: string, text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, text);
  } catch {
    // storage is switched off, as above
  }
}
