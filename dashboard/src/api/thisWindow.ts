// Whether this window is seen, as the browser tells it.

import type { Sight } from "./pace";

export const THIS_WINDOW: Sight = {
  isVisible: () => document.visibilityState === "visible",
  onVisibility: (act, signal) => document.addEventListener("visibilitychange", act, { signal }),
};
