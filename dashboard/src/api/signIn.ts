// Signing in at an OpenID provider: what this tab keeps of it, and why it fails. The requests are in `signInFlow.ts`, which
// is loaded when somebody signs in.

import { keep, kept } from "./tabStorage";

/** A sign-in under way: what the provider's answer must fit, and the address to come back to. */
export interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  /** Path and query of the page where it began. */
  view: string;
  /** The page began it by itself, because a token expired. */
  automatic: boolean;
}

/** What the provider gave beside the access token. */
export interface Grant {
  refreshToken: string | null;
  /** Tells the provider at sign-out who it is. */
  idToken: string | null;
  /** When the access token was received, in ms since 1970 by the server's clock. */
  since: number;
  /** Nobody has asked for it: the page signed in again by itself. */
  automatic: boolean;
}

/** An access token, and what came with it. */
export interface Granted extends Grant {
  token: string;
}

/** Why a sign-in has failed, by what a person can do about it. */
export type FailureKind =
  | "insecure" // this page isn't served by https
  | "unreachable" // the provider doesn't answer this page
  | "refused" // the provider says no
  | "lost" // the sign-in was begun elsewhere, or too long ago
  | "unusable" // the access token is none that the API can read
  | "broken"; // the provider's answer isn't as it must be

export class SignInFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    /** What the provider or the check says, in words for whoever runs it. */
    readonly detail: string | null = null,
  ) {
    super(detail ?? kind);
    this.name = "SignInFailure";
  }
}

const PENDING_AS = "sign-in";
const GRANT_AS = "grant";

/** The parameters of a provider's answer. */
const OF_ANSWERS = ["code", "state", "error", "error_description", "error_uri", "iss", "session_state"];

/** The provider's answer in the address; null if there is none. */
export function answerIn(search: string): URLSearchParams | null {
  const parameters = new URLSearchParams(search);
  const isAnswer = parameters.has("state") && (parameters.has("code") || parameters.has("error"));
  return isAnswer ? parameters : null;
}

/** The query without the provider's answer. */
export function withoutAnswer(search: string): string {
  const parameters = new URLSearchParams(search);
  for (const name of OF_ANSWERS) parameters.delete(name);
  return parameters.size === 0 ? "" : `?${parameters}`;
}

export function keepPending(pending: Pending | null): void {
  keep(PENDING_AS, pending === null ? null : JSON.stringify(pending));
}

/** The sign-in that this tab has begun. It can be finished once. */
export function takePending(): Pending | null {
  const pending = read<Pending>(PENDING_AS);
  keepPending(null);
  return pending;
}

export function keepGrant(grant: Grant | null): void {
  if (grant === null) return keep(GRANT_AS, null);
  const { refreshToken, idToken, since, automatic } = grant;
  keep(GRANT_AS, JSON.stringify({ refreshToken, idToken, since, automatic }));
}

export function keptGrant(): Grant | null {
  return read<Grant>(GRANT_AS);
}

function read<Kept>(name: string): Kept | null {
  try {
    return JSON.parse(kept(name) ?? "null") as Kept | null;
  } catch {
    return null; // nothing that this page has kept
  }
}
