// The access token: taken from the address or pasted, and kept for this tab only.

import { keep, kept } from "./tabStorage";

const KEPT_AS = "token";

/** The token in the address's fragment (`#token=...`), which is removed from the address and from the history entry. */
export function takeTokenFromAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return trimmed(token);
}

/** The token that an earlier load of this tab has stored. */
export function storedToken(): string | null {
  return kept(KEPT_AS);
}

/** Keeps the token for this tab; null forgets it. */
export function storeToken(token: string | null): void {
  keep(KEPT_AS, token);
}

/** A pasted token without surrounding white space and the word Bearer. Null if nothing is left. */
export function trimmed(pasted: string): string | null {
  const token = pasted.trim().replace(/^bearer\s+/i, "");
  return token === "" ? null : token;
}
