// Live mode: while it is on, each change on the server fetches the numbers again.

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useEffect, useEffectEvent, useMemo, useState } from "react";
import { clientOf } from "./ask";
import type { Follower, LiveState } from "./follow";
import { paced } from "./pace";
import { useSession } from "./session";
import { mustChoose } from "./sessionState";
import { THIS_WINDOW } from "./thisWindow";

interface Live {
  on: boolean;
  state: LiveState;
  turn: (on: boolean) => void;
}

/** The state of following for one identity. */
interface Known {
  of: string;
  state: LiveState;
}

const OFF: LiveState = { state: "off" };
const CONNECTING: LiveState = { state: "connecting" };

const LiveContext = createContext<Live>({ on: false, state: OFF, turn: () => {} });

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const session = useSession();
  const { token, claims, organization, identity } = session;
  const [on, turn] = useState(true);
  const [known, setKnown] = useState<Known>({ of: "", state: CONNECTING });
  const [tried, setTried] = useState(token);
  // A renewed token is used from the next connection on: the server ends the one that was opened with the old token.
  const clientOfNow = useEffectEvent(() => clientOf(token ?? "", organization));
  // But where the old one was refused, following has ended, and begins again.
  if (known.of === identity && known.state.state === "unavailable" && tried !== token) setTried(token);
  const follows = on && token !== null && claims?.organizations.length !== 0 && !mustChoose(session);
  useEffect(() => {
    if (!follows) return;
    const end = new AbortController();
    const refresh = paced(() => askAnew(client), THIS_WINDOW, end.signal);
    const know = (state: LiveState) => setKnown((before) => unlessSame(before, { of: identity, state }));
    const follower = refreshing(refresh, know);
    void import("./together").then(({ followTogether }) => {
      if (!end.signal.aborted) void followTogether(identity, () => clientOfNow(), follower, end.signal);
    });
    return () => {
      end.abort();
      know(CONNECTING);
    };
  }, [client, identity, follows, tried]);
  const live = useMemo(() => {
    const state = known.of === identity ? known.state : CONNECTING;
    return { on, state: follows ? state : OFF, turn };
  }, [on, follows, known, identity]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  return use(LiveContext);
}

/** The state of before, if the next one is the same: a leader says often that all is as it was. */
function unlessSame(before: Known, next: Known): Known {
  return JSON.stringify(before) === JSON.stringify(next) ? before : next;
}

/** Puts the questions about numbers again; settings don't change with them. */
function askAnew(client: QueryClient): void {
  const isOfNumbers = ({ meta }: { meta: Record<string, unknown> | undefined }) =>
    meta?.["isSetting"] !== true;
  void client.invalidateQueries({ predicate: isOfNumbers }, { cancelRefetch: false });
}

/** A follower that refreshes at each version but the one that it knows. The first may already be newer than what was loaded. */
function refreshing(refresh: () => void, stateChanged: Follower["stateChanged"]): Follower {
  let known: string | null = null;
  return {
    stateChanged,
    told: (version) => {
      if (version !== known) refresh();
      known = version;
    },
  };
}
