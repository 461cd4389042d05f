// The session: links with tokens, organizations, the provider, renewal and signing out.
//
// @vitest-environment happy-dom

import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tokenOf } from "../testing/tokens";
import { type Arrival, arrivalWith } from "./arrival";
import { pageSettings } from "./pageSettings";
import { SessionStore } from "./sessionStore";
import { type Grant, type Granted, keptGrant, type Pending, SignInFailure } from "./signIn";
import { storedToken } from "./token";

const MINUTE = 60_000;
const SIGN_IN = {
  issuer: "https://id.example.com",
  clientId: "page",
  scope: "openid",
  audience: null,
  resource: null,
};
const PENDING: Pending = { state: "s", nonce: "n", verifier: "v", view: "/overview", automatic: false };
const PROVIDERS_PAGE = new URL("https://id.example.com/auth?state=s");

let end: () => void = () => {};

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-02-25T10:00:00Z") });
  sessionStorage.clear();
  history.replaceState(null, "", "/overview");
});
afterEach(() => {
  end();
  vi.useRealTimers();
});

const lasting = (ms: number, claims: object = { organization_id: "acme", sub: "ann" }) =>
  tokenOf({ exp: (Date.now() + ms) / 1_000, ...claims });
const acme = () => lasting(60 * MINUTE);
const beta = () => lasting(60 * MINUTE, { organization_id: "beta", sub: "bob" });
const grant = (more: Partial<Grant> = {}): Grant => ({
  refreshToken: null,
  idToken: "id",
  since: Date.now(),
  automatic: false,
  ...more,
});
const granted = (token: string, more: Partial<Grant> = {}): Granted => ({ token, ...grant(more) });

/** A session with a provider that answers as the test says. */
function open(arrival: Partial<Arrival> = {}) {
  const client = new QueryClient();
  client.setQueryDefaults(pageSettings.queryKey, { gcTime: Infinity });
  client.setQueryData(pageSettings.queryKey, { accessContact: null, maxRangeDays: 93, signIn: SIGN_IN });
  const flow = {
    begin: vi.fn(() => Promise.resolve(PROVIDERS_PAGE)),
    finish: vi.fn(() => Promise.resolve(granted(acme()))),
    renew: vi.fn(() => Promise.resolve(granted(acme(), { refreshToken: "r2" }))),
    endOf: vi.fn((): Promise<URL | null> => Promise.resolve(new URL("https://id.example.com/end"))),
  };
  const leave = vi.fn();
  const seen = { visible: true };
  const around = { flow: () => Promise.resolve(flow), leave, isVisible: () => seen.visible };
  const store = new SessionStore({ ...arrivalWith(null), ...arrival }, client, around);
  end = store.start();
  return { store, client, flow, leave, seen, state: store.snapshot };
}

const settled = () => vi.advanceTimersByTimeAsync(0);
const follow = (hash: string) => {
  history.replaceState(null, "", location.pathname + location.search + hash);
  dispatchEvent(new Event("hashchange"));
};

describe("a link's token", () => {
  it("signs in, and is kept for this tab", () => {
    const token = acme();
    const { state } = open({ offered: token });
    expect(state()).toMatchObject({ token, offered: null, claims: { own: "acme" } });
    expect(storedToken()).toBe(token);
  });

  it("of another organization waits until somebody says", () => {
    const [held, offered] = [acme(), beta()];
    const { state, store, client } = open({ token: held, offered });
    client.setQueryData(["numbers"], 1);
    expect(state()).toMatchObject({ token: held, offered });
    store.declineOffer();
    expect(state()).toMatchObject({ token: held, offered: null });
    expect(client.getQueryData(["numbers"])).toBe(1);
    follow(`#token=${offered}`);
    expect(state()).toMatchObject({ token: held, offered });
    store.acceptOffer();
    expect(state()).toMatchObject({ token: offered, offered: null, claims: { own: "beta" } });
    expect(client.getQueryData(["numbers"])).toBeUndefined();
    expect(client.getQueryData(pageSettings.queryKey)).toBeDefined();
    expect(storedToken()).toBe(offered);
  });

  it("of the same person and organization replaces an older one, and its numbers stay", () => {
    const newer = lasting(90 * MINUTE);
    const { state, client } = open({ token: acme() });
    client.setQueryData(["numbers"], 1);
    const { identity } = state();
    follow(`#token=${newer}`);
    expect(state()).toMatchObject({ token: newer, identity, offered: null });
    expect(client.getQueryData(["numbers"])).toBe(1);
  });

  it("that can't be used changes nothing, and is spoken of until that was read", () => {
    const held = acme();
    const { state, store } = open({ token: held, offered: "nonsense" });
    expect(state()).toMatchObject({ token: held, passedOver: "unreadable" });
    store.dismiss();
    expect(state().passedOver).toBeNull();
    follow(`#token=${lasting(-MINUTE)}`);
    expect(state()).toMatchObject({ token: held, passedOver: "expired" });
  });
});

describe("a token of several organizations", () => {
  const both = () => lasting(60 * MINUTE, { organizations: ["acme", "beta"], sub: "ann" });

  it("needs a choice, which is kept and stands in the address", () => {
    const token = both();
    const { state, store, client } = open({ token });
    expect(state().organization).toBeNull();
    store.chooseOrganization("beta");
    expect(state().organization).toBe("beta");
    expect(location.search).toBe("?organization=beta");
    client.setQueryData(["numbers"], 1);
    store.chooseOrganization("gamma");
    expect(state().organization).toBe("beta");
    store.chooseOrganization("acme");
    expect(client.getQueryData(["numbers"])).toBeUndefined();
    end();
    history.replaceState(null, "", "/overview");
    expect(open({ token }).state().organization).toBe("acme");
    expect(location.search).toBe("?organization=acme");
  });

  it("is for the address's, also after Back", () => {
    history.replaceState(null, "", "/overview?organization=beta");
    const { state, store } = open({ token: both() });
    expect(state().organization).toBe("beta");
    store.chooseOrganization("acme");
    history.replaceState(null, "", "/overview?organization=beta");
    dispatchEvent(new Event("popstate"));
    expect(state().organization).toBe("beta");
  });

  it("says when the address's isn't among them", () => {
    history.replaceState(null, "", "/overview?organization=gamma&range=7d");
    const { state, store } = open({ token: both() });
    expect(state()).toMatchObject({ organization: null, unmet: "gamma" });
    store.chooseOrganization("acme");
    expect(state().unmet).toBeNull();
    expect(location.search).toBe("?range=7d&organization=acme");
  });
});

it("a token of one organization says when the address asks for another, whose name leaves the address", () => {
  history.replaceState(null, "", "/overview?organization=beta&range=7d");
  const { state } = open({ token: acme() });
  expect(state()).toMatchObject({ organization: null, unmet: "beta" });
  expect(location.search).toBe("?range=7d");
});

describe("signing in at the provider", () => {
  it("leaves for it from the view, and comes back with a token", async () => {
    history.replaceState(null, "", "/overview?range=7d");
    const { store, state, flow, leave } = open();
    await store.enter();
    expect(flow.begin).toHaveBeenCalledWith(SIGN_IN, { view: "/overview?range=7d", automatic: false });
    expect(leave).toHaveBeenCalledWith(PROVIDERS_PAGE);
    expect(state().passage).toEqual({ kind: "leaving" });
    end();
    const answer = new URLSearchParams("code=c&state=s");
    const back = open({ returned: { answer, pending: PENDING } });
    expect(back.state().passage).toEqual({ kind: "returning" });
    await settled();
    expect(back.flow.finish).toHaveBeenCalledExactlyOnceWith(SIGN_IN, PENDING, answer);
    expect(back.state()).toMatchObject({ claims: { own: "acme" }, passage: null });
    expect(keptGrant()).toEqual(grant());
  });

  it("says why it failed", async () => {
    const answer = new URLSearchParams("error=access_denied&state=s");
    const { state, flow } = open({ returned: { answer, pending: PENDING } });
    flow.finish.mockRejectedValue(new SignInFailure("refused", "not you"));
    await settled();
    expect(state()).toMatchObject({
      token: null,
      passage: { failure: { kind: "refused", detail: "not you" } },
    });
  });

  it("isn't undone by an answer that nobody has asked for", async () => {
    const token = acme();
    const { state, flow } = open({ token, returned: { answer: new URLSearchParams(), pending: null } });
    await settled();
    expect(state()).toMatchObject({ token, passage: null });
    expect(flow.finish).not.toHaveBeenCalled();
  });
});

describe("a session that ends", () => {
  it("is told of five minutes before, if its token was pasted", async () => {
    const { state } = open({ token: lasting(10 * MINUTE) });
    await vi.advanceTimersByTimeAsync(5 * MINUTE - 1_000);
    expect(state().ending).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(state().ending).toBe(true);
  });

  it("is renewed a minute before by its refresh token, each time with the newest", async () => {
    const { state, flow } = open({ token: lasting(10 * MINUTE), grant: grant({ refreshToken: "r1" }) });
    const { identity } = state();
    await vi.advanceTimersByTimeAsync(9 * MINUTE - 1_000);
    expect(flow.renew).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(flow.renew).toHaveBeenCalledExactlyOnceWith(SIGN_IN, "r1", expect.anything());
    expect(state()).toMatchObject({ identity, ending: false, grant: { refreshToken: "r2" } });
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(flow.renew).toHaveBeenLastCalledWith(SIGN_IN, "r2", expect.anything());
  });

  it("tries again while nobody answers, and signs in again when the refresh token is refused", async () => {
    const { state, flow, leave } = open({
      token: lasting(10 * MINUTE),
      grant: grant({ refreshToken: "r1" }),
    });
    flow.renew.mockRejectedValue(new SignInFailure("unreachable"));
    await vi.advanceTimersByTimeAsync(9 * MINUTE + 45_000);
    expect(flow.renew.mock.calls.length).toBeGreaterThan(1);
    expect(state().grant?.refreshToken).toBe("r1");
    flow.renew.mockRejectedValue(new SignInFailure("refused"));
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(flow.begin).toHaveBeenCalledWith(SIGN_IN, { view: "/overview", automatic: true });
    expect(leave).toHaveBeenCalledExactlyOnceWith(PROVIDERS_PAGE);
  });

  it("is told of, and signs in again when it is over", async () => {
    const { state, leave } = open({ token: lasting(10 * MINUTE), grant: grant() });
    await vi.advanceTimersByTimeAsync(9 * MINUTE);
    expect([state().ending, leave.mock.calls.length]).toEqual([true, 0]);
    await vi.advanceTimersByTimeAsync(MINUTE + 1_000);
    expect(leave).toHaveBeenCalledExactlyOnceWith(PROVIDERS_PAGE);
  });

  it("waits for somebody to look before it leaves the page", async () => {
    const { leave, seen } = open({ token: lasting(10 * MINUTE), grant: grant() });
    seen.visible = false;
    await vi.advanceTimersByTimeAsync(20 * MINUTE);
    expect(leave).not.toHaveBeenCalled();
    seen.visible = true;
    document.dispatchEvent(new Event("visibilitychange"));
    await settled();
    expect(leave).toHaveBeenCalledOnce();
  });

  it("doesn't leave again and again when sign-ins end at once", async () => {
    const { leave } = open({ token: lasting(6_000), grant: grant({ automatic: true }) });
    await vi.advanceTimersByTimeAsync(10 * MINUTE);
    expect(leave).not.toHaveBeenCalled();
  });
});

describe("signing out", () => {
  it("forgets the token", async () => {
    const { store, state, client, leave } = open({ token: acme() });
    client.setQueryData(["numbers"], 1);
    await store.signOut();
    expect(state()).toMatchObject({ token: null, passage: null });
    expect([storedToken(), client.getQueryData(["numbers"])]).toEqual([null, undefined]);
    expect(leave).not.toHaveBeenCalled();
  });

  it("goes on at the provider, and everything is forgotten before", async () => {
    const { store, flow, leave } = open({ token: acme(), grant: grant() });
    const done = store.signOut();
    expect([storedToken(), keptGrant()]).toEqual([null, null]);
    await done;
    expect(flow.endOf).toHaveBeenCalledWith(SIGN_IN, "id");
    expect(leave).toHaveBeenCalledWith(new URL("https://id.example.com/end"));
  });

  it("stays here if the provider has no address for it, or doesn't answer", async () => {
    for (const end of [() => Promise.resolve(null), () => Promise.reject(new Error("away"))]) {
      const { store, state, flow, leave } = open({ token: acme(), grant: grant() });
      flow.endOf.mockImplementation(end);
      await store.signOut();
      expect(state()).toMatchObject({ token: null, passage: null });
      expect(leave).not.toHaveBeenCalled();
    }
  });
});
