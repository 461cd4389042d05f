// Whether a media query matches, for components that are another component on another screen.

import { useCallback, useSyncExternalStore } from "react";

/** From here on the toolbar has room for all its controls: Tailwind's `lg`. */
export const WIDE = "(min-width: 64rem)";

/** A finger is the pointer, so there is hardly a keyboard: keys aren't told. Tailwind's `pointer-coarse`. */
export const TOUCH = "(pointer: coarse)";

export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (notify: () => void) => {
      const list = matchMedia(query);
      list.addEventListener("change", notify);
      return () => list.removeEventListener("change", notify);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
