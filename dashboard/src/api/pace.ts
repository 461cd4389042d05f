// How often a window acts on changes: a busy organization changes many times a second.

/** The least pause between refreshes of a window that is seen. */
const VISIBLE_PAUSE_MS = 2_000;
/** The same for one that is hidden: its title still tells the organization's state. */
const HIDDEN_PAUSE_MS = 30_000;

/** What of the browser is used; tests have their own. */
export interface Sight {
  isVisible: () => boolean;
  /** Calls when the window is shown or hidden, until the signal aborts. */
  onVisibility: (act: () => void, signal: AbortSignal) => void;
}

/** A function that calls `act` at most once per pause; calls within a pause become one at its end. A window that is shown acts soon. */
export function paced(act: () => void, sight: Sight, signal: AbortSignal): () => void {
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const due = () => last + (sight.isVisible() ? VISIBLE_PAUSE_MS : HIDDEN_PAUSE_MS);
  const wait = () => {
    timer = setTimeout(
      () => {
        timer = null;
        last = Date.now();
        act();
      },
      Math.max(0, due() - Date.now()),
    );
  };
  sight.onVisibility(() => {
    if (timer === null) return;
    clearTimeout(timer);
    wait();
  }, signal);
  signal.addEventListener("abort", () => timer !== null && clearTimeout(timer), { once: true });
  return () => {
    if (timer === null && !signal.aborted) wait();
  };
}
