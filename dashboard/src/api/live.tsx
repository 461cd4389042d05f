// Live mode: while it is on and the page is looked at, what changes on the server is fetched again.

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

/** A busy organization changes many times a second; nobody reads faster than this. */
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
    void follow(token, { changed: refresh, stands: setState }, end.signal);
    return () => end.abort();
  }, [client, token, on, visible]);
  const live = useMemo(() => ({ on, state, turn }), [on, state]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  return use(LiveContext);
}

/** `act`, at most once in the pause, and once more after the last call within it. */
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

function subscribeVisibility(tell: () => void): () => void {
  document.addEventListener("visibilitychange", tell);
  return () => document.removeEventListener("visibilitychange", tell);
}
