// The session of this tab: who is signed in, for which organization, and until when. React is told of changes.

import type { QueryClient } from "@tanstack/react-query";
import type { Arrival } from "./arrival";
import { hasExpired } from "./claims";
import { duesOf, isDue } from "./expiry";
import { verdictOn } from "./offer";
import { keepOrganization, keptOrganization, organizationInAddress, writeOrganization } from "./organization";
import { pageSettings } from "./pageSettings";
import { Provider } from "./provider";
import { serverNow } from "./serverClock";
import { SessionClock } from "./sessionClock";
import {
  identityOf,
  type Passage,
  personOf,
  shownOrganization,
  type SignedIn,
  signedInWith,
  type State,
} from "./sessionState";
import { type Grant, keepGrant, SignInFailure } from "./signIn";
import { storeToken, takeTokenFromAddress } from "./token";

/** What of the browser is used; tests have their own. */
export interface Surroundings {
  flow: () => Promise<typeof import("./signInFlow")>;
  /** Leaves the page for another address. */
  leave: (address: URL) => void;
  isVisible: () => boolean;
}

/** The pause after a renewal. */
const RENEWED_MS = 1_000;
/** The pause after a renewal that failed because nobody answered. */
const RENEW_AGAIN_MS = 15_000;
/** Windows tell each other by this channel that somebody has signed out. */
const SIGNED_OUT = "signed-out";

export class SessionStore {
  private state: State;
  private readonly listeners = new Set<() => void>();
  private readonly provider: Provider;
  private readonly clock = new SessionClock({
    renew: () => Date.now() >= this.renewAgainAt && void this.renew(),
    "round trip": () => void this.roundTrip(),
  });
  private returned: Arrival["returned"];
  private renewing: Promise<void> | null = null;
  private renewAgainAt = 0;
  private hasTripped = false;

  constructor(
    arrival: Arrival,
    private readonly client: QueryClient,
    private readonly around: Surroundings,
  ) {
    this.provider = new Provider(client, around.flow);
    const { token, grant, offered, returned } = arrival;
    const held = sessionWith(token, token === null ? null : grant);
    // A link's answer that this tab hasn't asked for signs nobody out.
    const isForeign = returned?.pending === null && held.claims !== null && !hasExpired(held.claims, now());
    this.returned = isForeign ? null : returned;
    const passage: Passage | null = this.returned === null ? null : { kind: "returning" };
    this.state = { ...held, offered: null, passedOver: null, passage, ending: false };
    if (offered !== null) this.state = { ...this.state, ...this.judged(offered) };
  }

  readonly snapshot = (): State => this.state;

  readonly subscribe = (notify: () => void): (() => void) => {
    this.listeners.add(notify);
    return () => this.listeners.delete(notify);
  };

  /** Follows the address, the clock and other windows until the function that it returns is called. */
  start(): () => void {
    const end = new AbortController();
    const on = (target: EventTarget, name: string, act: () => void) =>
      target.addEventListener(name, act, { signal: end.signal });
    on(window, "hashchange", () => this.takeFromAddress());
    on(window, "popstate", () => this.followAddress());
    on(document, "visibilitychange", () => this.look());
    // Back from the provider's page, this one may be as it was left.
    on(window, "pageshow", () => this.state.passage?.kind === "leaving" && this.become({ passage: null }));
    const channel = channelOfSignOuts();
    if (channel !== null) channel.onmessage = ({ data }) => this.hear(data);
    this.keep();
    this.look();
    void this.finish();
    return () => {
      end.abort();
      channel?.close();
      this.clock.stop();
    };
  }

  readonly signIn = (token: string): void => {
    const isSame = token === this.state.token;
    this.become({ ...sessionWith(token, null), passage: null, passedOver: null });
    if (isSame) askRefusedAgain(this.client); // whoever tries the same token again wants an answer
  };

  /** Signs out here, and at the provider if it is one's and has an address for that. */
  readonly signOut = async (): Promise<void> => {
    const { grant, claims } = this.state;
    this.forget(grant === null ? null : { kind: "leaving" });
    if (grant === null) return;
    tellOfSignOut(personOf(claims));
    const address = await this.provider.endOf(grant);
    if (address === null) this.become({ passage: null });
    else this.around.leave(address);
  };

  /** Goes to the provider to sign in. The view's address comes back from there. */
  readonly enter = async (automatic = false): Promise<void> => {
    this.become({ passage: { kind: "leaving" } });
    try {
      const view = location.pathname + location.search;
      this.around.leave(await this.provider.begin({ view, automatic }));
    } catch (error) {
      this.become({ passage: failed(error) });
    }
  };

  /** Gets a new token by the refresh token, if there is one. Whoever asks meanwhile waits for the same attempt. */
  readonly renew = (): Promise<void> => {
    this.renewing ??= this.renewOnce().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  };

  readonly chooseOrganization = (id: string): void => {
    const { claims, organization } = this.state;
    if (claims?.organizations.includes(id) !== true || organization === id) return;
    writeOrganization(id, organization === null ? "same" : "new");
    keepOrganization(id);
    this.become({ organization: id, unmet: null });
  };

  /** Uses the link's token after all. */
  readonly acceptOffer = (): void => {
    const { offered } = this.state;
    if (offered === null) return;
    keepOrganization(null); // it was one of the other token's
    this.become({ ...sessionWith(offered, null), unmet: null, offered: null, passage: null });
  };

  readonly declineOffer = (): void => this.become({ offered: null, unmet: null });

  /** Notes were read. */
  readonly dismiss = (): void => {
    const { passage } = this.state;
    this.become({ unmet: null, passedOver: null, passage: passage?.kind === "failed" ? null : passage });
  };

  /** What comes of a link's token. */
  private judged(offered: string): Partial<State> {
    const { state } = this;
    switch (verdictOn(offered, state.token, shownOrganization(state), now())) {
      case "same":
        return {};
      case "take":
        return { ...sessionWith(offered, null), passage: null };
      case "ask":
        return { offered };
      case "unreadable":
        return { passedOver: "unreadable" };
      case "expired":
        return { passedOver: "expired" };
    }
  }

  private become(change: Partial<State>): void {
    const next = { ...this.state, ...change };
    next.identity = identityOf(next.token, next.claims, next.organization);
    // An organization's numbers never outlive the session that may see them.
    if (next.identity !== this.state.identity) forgetAnswers(this.client);
    this.show(next);
    this.keep();
    this.look();
  }

  private show(state: State): void {
    this.state = state;
    for (const notify of this.listeners) notify();
  }

  /** Keeps for this tab what a reload needs, and has the address name the organization where there are several. */
  private keep(): void {
    const { token, grant, claims, organization } = this.state;
    storeToken(token);
    keepGrant(grant);
    if (organization !== null) {
      keepOrganization(organization);
      writeOrganization(organization, "same");
    } else if (claims?.organizations.length === 1 && organizationInAddress() !== claims.own) {
      writeOrganization(null, "same"); // a link's, which can't be shown
    }
  }

  private forget(passage: Passage | null): void {
    keepOrganization(null);
    writeOrganization(null, "same");
    this.become({ ...sessionWith(null, null), offered: null, passedOver: null, passage });
  }

  private takeFromAddress(): void {
    const offered = takeTokenFromAddress();
    if (offered !== null) this.become(this.judged(offered));
  }

  /** Back and Forward may lead to another organization. */
  private followAddress(): void {
    const asked = organizationInAddress();
    const { claims, organization } = this.state;
    const isNamed = asked !== null && claims?.organizations.includes(asked) === true;
    if (isNamed && organization !== null) this.become({ organization: asked, unmet: null });
    else this.keep();
  }

  private hear(person: unknown): void {
    const { grant, claims } = this.state;
    if (grant !== null && person === personOf(claims)) this.forget(null);
  }

  private async finish(): Promise<void> {
    const { returned } = this;
    this.returned = null; // an answer is good for once
    if (returned === null) return;
    try {
      const { token, ...grant } = await this.provider.finish(returned.pending, returned.answer);
      this.become({ ...sessionWith(token, grant), passage: null });
    } catch (error) {
      this.become({ passage: failed(error) });
    }
  }

  private async renewOnce(): Promise<void> {
    const { grant } = this.state;
    if (grant === null || grant.refreshToken === null) return;
    const attempt = this.provider.renew(grant.refreshToken, grant);
    const given = await attempt.catch((error: unknown) => failureOf(error));
    if (this.state.grant !== grant) return; // somebody has signed out or in meanwhile
    this.renewAgainAt = Date.now() + RENEWED_MS;
    if (!(given instanceof SignInFailure)) {
      const { token, ...next } = given;
      this.become(sessionWith(token, next));
    } else if (given.kind === "unreachable") {
      this.renewAgainAt = Date.now() + RENEW_AGAIN_MS;
    } else {
      this.become({ grant: { ...grant, refreshToken: null } }); // it isn't good any more
    }
  }

  /** Does what is due, and says whether the session ends soon. */
  private look(): void {
    const { claims, grant } = this.state;
    const ending = isDue("tell", duesOf(claims, grant), now());
    if (ending !== this.state.ending) this.show({ ...this.state, ending });
    this.clock.look(this.state, () => this.look());
  }

  /** Whoever isn't looking isn't sent away; whoever is has been told. */
  private async roundTrip(): Promise<void> {
    const { passage, offered } = this.state;
    if (this.hasTripped || passage !== null || offered !== null || !this.around.isVisible()) return;
    this.hasTripped = true;
    await this.provider.setClock();
    const { claims } = this.state;
    if (claims !== null && hasExpired(claims, now())) return this.enter(true);
    this.hasTripped = false;
  }
}

/** What follows from a token, as the address and this tab say which organization is meant. */
function sessionWith(token: string | null, grant: Grant | null): SignedIn {
  return signedInWith(token, grant, { asked: organizationInAddress(), before: keptOrganization() });
}

function now(): number {
  return serverNow().getTime();
}

function failed(error: unknown): Passage {
  return { kind: "failed", failure: failureOf(error) };
}

function failureOf(error: unknown): SignInFailure {
  return error instanceof SignInFailure ? error : new SignInFailure("broken");
}

function channelOfSignOuts(): BroadcastChannel | null {
  return typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(SIGNED_OUT);
}

function tellOfSignOut(person: string): void {
  const channel = channelOfSignOuts();
  channel?.postMessage(person);
  channel?.close();
}

/** Puts the questions again that were refused. */
export function askRefusedAgain(client: QueryClient): void {
  void client.refetchQueries({ type: "active", predicate: ({ state }) => state.status === "error" });
}

/** All answers but the page's settings, which are nobody's. */
function forgetAnswers(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== pageSettings.queryKey[0] });
  client.getMutationCache().clear();
}
