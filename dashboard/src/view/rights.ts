// What a person may do with settings, by the token.

import { allows } from "../api/claims";
import { useSession } from "../api/session";

/** What the token may do with settings. */
export interface Rights {
  read: boolean;
  /** Nobody changes what he can't see. */
  change: boolean;
}

export function useRights(): Rights {
  const { token, claims } = useSession();
  const read = token !== null && claims !== null && allows(claims, "settings:read");
  return { read, change: read && allows(claims, "settings:write") };
}
