// What a session is made of, and what follows from a token. Pure.

import { type Claims, claimsOf } from "./claims";
import type { Verdict } from "./offer";
import { choiceOf } from "./organization";
import type { Grant, SignInFailure } from "./signIn";

/** A sign-in or sign-out at the provider. */
export type Passage =
  | { kind: "leaving" } // on the way to the provider
  | { kind: "returning" } // the provider's answer is being exchanged for a token
  | { kind: "failed"; failure: SignInFailure };

/** Who is signed in, for which organization. */
export interface SignedIn {
  token: string | null;
  /** What the token says of itself; null if there is none, or it is no JWT. */
  claims: Claims | null;
  /** The chosen organization, if the token names several; requests send it as `Organization-Id`. */
  organization: string | null;
  /** Whose numbers these are: changes with the person and with the organization, not when a token is renewed. */
  identity: string;
  /** What the provider gave beside the token; null if it was pasted or in a link. */
  grant: Grant | null;
  /** The address asks for an organization that the token doesn't name. */
  unmet: string | null;
}

export interface State extends SignedIn {
  /** A link's token of somebody else, which waits for an answer. */
  offered: string | null;
  /** Why a link's token is not used. */
  passedOver: Extract<Verdict, "unreadable" | "expired"> | null;
  passage: Passage | null;
  /** The session ends soon. */
  ending: boolean;
}

/** Which organization is asked for, and which was shown before. */
export interface Wishes {
  asked: string | null;
  before: string | null;
}

/** What follows from a token. */
export function signedInWith(token: string | null, grant: Grant | null, { asked, before }: Wishes): SignedIn {
  const claims = token === null ? null : claimsOf(token);
  const choice = choiceOf(claims, asked, before);
  return { token, claims, grant, ...choice, identity: identityOf(token, claims, choice.organization) };
}

/** A token that says nothing is its own identity. */
export function identityOf(token: string | null, claims: Claims | null, organization: string | null): string {
  if (claims === null) return token ?? "";
  return JSON.stringify([claims.issuer, claims.subject, organization ?? claims.own]);
}

/** The organization that is shown; null if that isn't known. */
export function shownOrganization({
  organization,
  claims,
}: Pick<State, "organization" | "claims">): string | null {
  return organization ?? claims?.own ?? null;
}

/** Whether somebody has to choose an organization first. */
export function mustChoose({ organization, claims }: Pick<State, "organization" | "claims">): boolean {
  return claims !== null && claims.organizations.length > 1 && organization === null;
}

/** The person, as windows name them to each other. */
export function personOf(claims: Claims | null): string {
  return JSON.stringify([claims?.issuer ?? null, claims?.subject ?? null]);
}
