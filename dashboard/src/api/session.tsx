// The session as a React context: the token, whose it is, signing in and signing out.

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
import { type Arrival, arrivalWith } from "./arrival";
import type { State } from "./sessionState";
import { askRefusedAgain, SessionStore, type Surroundings } from "./sessionStore";

export interface Session extends State {
  /** Shows another of the token's organizations, and writes it to the address. */
  chooseOrganization: (id: string) => void;
  /** Signs in with a token. */
  signIn: (token: string) => void;
  /** Signs out, at the provider, too; that leaves the page. */
  signOut: () => void;
  /** Goes to the provider to sign in. */
  enter: () => void;
  /** Gets a new token without leaving the page, if the provider has given a refresh token. */
  renew: () => Promise<void>;
  /** Uses or doesn't use a link's token of somebody else. */
  acceptOffer: () => void;
  declineOffer: () => void;
  /** Takes the session's notes away. */
  dismiss: () => void;
}

const SessionContext = createContext<SessionStore | null>(null);

const BROWSER: Surroundings = {
  flow: () => import("./signInFlow"),
  leave: (address) => location.assign(address),
  isVisible: () => document.visibilityState === "visible",
};

interface SessionProviderProps {
  /** What the page was loaded with, or just a token. */
  initial: Arrival | string | null;
  around?: Surroundings;
  children: ReactNode;
}

export function SessionProvider({ initial, around = BROWSER, children }: SessionProviderProps) {
  const client = useQueryClient();
  const [store] = useState(() => {
    const arrival = typeof initial === "object" && initial !== null ? initial : arrivalWith(initial);
    return new SessionStore(arrival, client, around);
  });
  useEffect(() => store.start(), [store]);
  const { token } = useSyncExternalStore(store.subscribe, store.snapshot);
  // With another token a question that was refused may be answered.
  useEffect(() => askRefusedAgain(client), [client, token]);
  return <SessionContext value={store}>{children}</SessionContext>;
}

export function useSession(): Session {
  const store = use(SessionContext);
  if (store === null) throw new Error("useSession is called outside a SessionProvider");
  const state = useSyncExternalStore(store.subscribe, store.snapshot);
  return useMemo(() => {
    const { chooseOrganization, signIn, renew, acceptOffer, declineOffer, dismiss } = store;
    const leaving = { signOut: () => void store.signOut(), enter: () => void store.enter() };
    return { ...state, ...leaving, chooseOrganization, signIn, renew, acceptOffer, declineOffer, dismiss };
  }, [store, state]);
}
