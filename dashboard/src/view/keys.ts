// Keys that run commands: how they are written and told apart. Pure.
//
// A command's keys are what the keyboard types: `g`, `G` (with Shift), `[`. Keys with a blank between them are typed one
// after the other: `g c`.

import { LETTER } from "./keyNames";

/** Longer after the first of two keys, the second stands for itself. */
export const PAUSE_MAX_MS = 1_500;

/** What is asked of a `KeyboardEvent`. */
export interface Pressed {
  key: string;
  code: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  /** AltGr types characters; on some systems it counts as Ctrl and Alt. */
  altGraph: boolean;
}

/** Where [ and ] are on an American keyboard there are letters on others, which would be hard to guess. */
const PLACES: Readonly<Record<string, string>> = { BracketLeft: "[", BracketRight: "]" };

/** The key as commands name it; null if it is no character, or goes with Ctrl, Alt or the like. */
export function keyOf({ key, code, shiftKey, ctrlKey, metaKey, altKey, altGraph }: Pressed): string | null {
  if (metaKey || ((ctrlKey || altKey) && !altGraph)) return null;
  if (key.length !== 1 || key === " ") return null;
  // Not as typed: Caps Lock is no Shift.
  if (LETTER.test(key)) return shiftKey ? key.toUpperCase() : key.toLowerCase();
  return PLACES[code] ?? key;
}

/** Keys that were pressed, and may be the beginning of longer ones. */
export interface Begun {
  keys: string;
  at: number;
}

/** What pressing a key at an instant (in ms) means: the keys that are complete, or those that may go on. */
export function keysAfter(
  begun: Begun | null,
  key: string,
  at: number,
  known: ReadonlySet<string>,
): { complete: string | null; begun: Begun | null } {
  const goesOn = (keys: string) => [...known].some((other) => other.startsWith(`${keys} `));
  const candidates = begun !== null && at - begun.at <= PAUSE_MAX_MS ? [`${begun.keys} ${key}`, key] : [key];
  for (const keys of candidates) {
    if (known.has(keys)) return { complete: keys, begun: null };
    if (goesOn(keys)) return { complete: null, begun: { keys, at } };
  }
  return { complete: null, begun: null };
}

/** Whether an element takes characters itself, so that keys mean nothing else there. */
export function takesCharacters(element: Element | null): boolean {
  if (element === null) return false;
  if (element.matches("select, textarea, [contenteditable]:not([contenteditable=false])")) return true;
  return element.matches(
    "input:not([type=radio], [type=checkbox], [type=range], [type=button], [type=submit], [type=color], [type=file])",
  );
}
