// How keys that run commands are shown. Pure.

/** Letters that commands have, so they don't stand for their place. */
export const LETTER = /^[a-z]$/i;

/** How keys are shown, one by one: `G` as ⇧ and G, `g` as G. */
export function keyNames(keys: string, shift = "⇧"): string[] {
  return keys.split(" ").flatMap((key) => {
    if (!LETTER.test(key)) return [key];
    return key === key.toUpperCase() ? [shift, key] : [key.toUpperCase()];
  });
}

/** The same for `aria-keyshortcuts`, which can't say keys one after the other. */
export function shortcutsOf(keys: string | undefined): string | undefined {
  if (keys === undefined || keys.includes(" ")) return undefined;
  return keyNames(keys, "Shift").join("+");
}
