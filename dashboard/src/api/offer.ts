// What becomes of a token in the address while somebody is signed in. Pure.

import { type Claims, claimsOf, hasExpired } from "./claims";

export type Verdict =
  | "same" // it is the token that is in use
  | "take" // it replaces the token in use without a question
  | "ask" // it is for another organization or person
  | "unreadable" // it is no token: the one in use stays
  | "expired"; // it has expired: the one in use stays

/** `organization` is the one that is shown; `now` in ms since 1970. */
export function verdictOn(
  offered: string,
  current: string | null,
  organization: string | null,
  now: number,
): Verdict {
  if (offered === current) return "same";
  const [held, given] = [current === null ? null : claimsOf(current), claimsOf(offered)];
  // Without a session that works there is nothing to protect, and the API says what is wrong with the other.
  if (held === null || hasExpired(held, now)) return "take";
  if (given === null) return "unreadable";
  if (hasExpired(given, now)) return "expired";
  if (!isSamePerson(held, given) || !names(given, organization)) return "ask";
  return (given.expiresAt ?? Infinity) >= (held.expiresAt ?? Infinity) ? "take" : "same";
}

function isSamePerson(one: Claims, other: Claims): boolean {
  return one.subject === other.subject && one.issuer === other.issuer;
}

function names({ organizations }: Claims, organization: string | null): boolean {
  return organization !== null && organizations.includes(organization);
}
