// When a session must be renewed, and when people are told that it ends. Pure; instants in ms since 1970.

import type { Claims } from "./claims";
import type { Grant } from "./signIn";

/** How long before its end a session is renewed. A shorter-lived token is, once half of its life is over. */
const RENEW_BEFORE_MS = 60_000;
/** How long before its end people are told that the page is about to sign them in again. */
const TELL_OF_ROUND_TRIP_MS = 2 * 60_000;
/** The same for a token that somebody has to replace by hand. */
const TELL_OF_END_MS = 5 * 60_000;
/** A session that the page has begun by itself and that ended sooner isn't followed by another: that would never end. */
const ROUND_TRIP_WORTH_MS = 30_000;

export type Due =
  | "renew" // by the refresh token
  | "tell" // people: it ends soon
  | "round trip"; // it has ended: over the provider, and back

/** What is due, each with its instant, in the order of instants. */
export type Dues = readonly (readonly [Due, number])[];

/** What is due of a session; nothing if its token doesn't say when it expires. */
export function duesOf(claims: Claims | null, grant: Grant | null): Dues {
  const end = claims?.expiresAt ?? null;
  if (end === null) return [];
  if (grant === null) return [["tell", end - TELL_OF_END_MS]];
  const half = (end - grant.since) / 2;
  if (grant.refreshToken !== null) return [["renew", end - Math.min(RENEW_BEFORE_MS, half)]];
  const told = ["tell", end - Math.min(TELL_OF_ROUND_TRIP_MS, half)] as const;
  return isWorthARoundTrip(end, grant) ? [told, ["round trip", end]] : [told];
}

/** Whether this is due at an instant. */
export function isDue(one: Due, dues: Dues, now: number): boolean {
  return dues.some(([due, at]) => due === one && at <= now);
}

/** Whether the page signs in again by itself when this session has ended. */
export function isWorthARoundTrip(end: number, { automatic, since }: Grant): boolean {
  return !automatic || end - since >= ROUND_TRIP_WORTH_MS;
}
