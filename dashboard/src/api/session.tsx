// The session: the token, signing in and signing out.

import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo, useState } from "react";
import { storeToken, takeTokenFromAddress } from "./token";

interface Session {
  token: string | null;
  signIn: (token: string) => void;
  signOut: () => void;
}

const SessionContext = createContext<Session | null>(null);

/** `initial` is the token the page was loaded with. */
export function SessionProvider({ initial, children }: { initial: string | null; children: ReactNode }) {
  const client = useQueryClient();
  const [token, setToken] = useState(initial);
  const change = useCallback(
    (next: string | null) => {
      client.clear(); // an organization's numbers never outlive its token
      storeToken(next);
      setToken(next);
    },
    [client],
  );
  useEffect(() => {
    const take = () => {
      const taken = takeTokenFromAddress();
      if (taken !== null) change(taken);
    };
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, [change]);
  const session = useMemo(
    () => ({ token, signIn: (next: string) => change(next), signOut: () => change(null) }),
    [token, change],
  );
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (session === null) throw new Error("useSession is called outside a SessionProvider");
  return session;
}
