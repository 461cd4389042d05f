// Runs commands by their keys, from anywhere on the page that takes no characters itself.

import { useEffect } from "react";
import { useRegisteredCommands } from "../../view/commands";
import { type Begun, keyOf, keysAfter, takesCharacters } from "../../view/keys";
import { singleKeys } from "../../view/singleKeys";

/** These may be held down. */
const REPEATED = new Set(["[", "]", "j", "k"]);

/** `openMenu` is what Ctrl+K and Cmd+K do. */
export function useKeys(openMenu: () => void): void {
  const commands = useRegisteredCommands();
  useEffect(() => {
    const runs = new Map(
      commands.flatMap(({ keys, run }) => (keys === undefined ? [] : [[keys, run] as const])),
    );
    const known = new Set(runs.keys());
    let begun: Begun | null = null;
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || isModalOpen()) return;
      if (opensMenu(event)) {
        event.preventDefault();
        return openMenu();
      }
      if (!singleKeys() || takesCharacters(event.target as Element | null)) return;
      const key = keyOf({ ...pressedOf(event), altGraph: event.getModifierState("AltGraph") });
      if (key === null || (event.repeat && !REPEATED.has(key))) return;
      const after = keysAfter(begun, key, event.timeStamp, known);
      begun = after.begun;
      if (after.complete === null && begun === null) return;
      event.preventDefault();
      if (after.complete !== null) runs.get(after.complete)?.();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [commands, openMenu]);
}

function opensMenu({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === "k" && ctrlKey !== metaKey && !altKey && !shiftKey;
}

function pressedOf({ key, code, shiftKey, ctrlKey, metaKey, altKey }: KeyboardEvent) {
  return { key, code, shiftKey, ctrlKey, metaKey, altKey };
}

/** A dialog has the keyboard to itself. */
function isModalOpen(): boolean {
  return [...document.getElementsByTagName("dialog")].some(({ open }) => open);
}
