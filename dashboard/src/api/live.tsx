// Live mode: while it is on and the page is visible, each change on the server fetches the numbers again.

import { useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from "react";
import { follow, type LiveState } from "./follow";
import { useSession } from "./session";

/** The least pause between refreshes: a busy organization changes many times a second. */
const REFRESH_PAUSE_MS = 2_000;

interface Live {
  on: boolean;
  state: LiveState;
  turn: (on: boolean) => void;
}

const LiveContext = createContext<Live>({ on: false, state: { state: "off" }, turn: () => {} });

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const { token } = useSession();
  const [on, turn] = useState(true);
  const [state, setState] = useState<LiveState>({ state: "off" });
  const visible = useSyncExternalStore(subscribeVisibility, () => document.visibilityState === "visible");
  useEffect(() => {
    if (token === null || !on || !visible) return setState({ state: "off" });
    const end = new AbortController();
    const refresh = paced(
      () => void client.invalidateQueries(undefined, { cancelRefetch: false }),
      end.signal,
    );
    void follow(token, { changed: refresh, stateChanged: setState }, end.signal);
    return () => end.abort();
  }, [client, token, on, visible]);
  const live = useMemo(() => ({ on, state, turn }), [on, state]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  return use(LiveContext);
}

/** Calls `act` at most once per pause; calls within a pause become one call at its end. */
function paced(act: () => void, signal: AbortSignal): () => void {
  let last = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  signal.addEventListener("abort", () => timer !== null && clearTimeout(timer));
  return () => {
    if (timer !== null || signal.aborted) return;
    timer = setTimeout(
      () => {
        timer = null;
        last = Date.now();
        act();
      },
      Math.max(0, last + REFRESH_PAUSE_MS - Date.now()),
    );
  };
}

function subscribeVisibility(notify: () => void): () => void {
  document.addEventListener("visibilitychange", notify);
  return () => document.removeEventListener("visibilitychange", notify);
}
