// What comes before the numbers: signing in, choosing an organization, no access, and a link's token of somebody else.
//
// @vitest-environment happy-dom

import { cleanup, configure, fireEvent, screen, within } from "@testing-library/react";
import { http, HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { overview } from "../../testing/answers";
import { answer, answerSettings, answerTo, asked, serve, server } from "../../testing/api";
import { openPage } from "../../testing/page";
import { tokenOf } from "../../testing/tokens";
import { en } from "../../texts/en";

/** The limit for an element to appear on a busy machine. */
const APPEARS_WITHIN_MS = 10_000;

const SIGN_IN = {
  issuer: "https://id.example.com/realms/main",
  clientId: "page",
  scope: "openid",
  audience: null,
  resource: null,
};

serve();
configure({ asyncUtilTimeout: APPEARS_WITHIN_MS });
beforeEach(() => sessionStorage.clear());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const settings = (more: object = {}) =>
  answerSettings({ accessContact: "metrics@example.com", maxRangeDays: 93, signIn: null, ...more });
const numbers = () => screen.findByRole("region", { name: en.kpi.row });
const heading = (name: string) => screen.findByRole("heading", { level: 1, name });
const button = (name: string | RegExp) => screen.findByRole("button", { name });
const asksNothing = () => expect(asked.filter((path) => path.startsWith("/v1"))).toEqual([]);

describe("whoever is signed out", () => {
  it("pastes a token, is told what becomes of it, and whom to ask for one", async () => {
    settings();
    openPage({ token: null });
    const field = await screen.findByLabelText(en.entry.token);
    expect(screen.getByText(en.entry.tokenStays)).toBeTruthy();
    const contact = await screen.findByRole("link", { name: "metrics@example.com" });
    expect(contact.getAttribute("href")).toBe("mailto:metrics@example.com");
    asksNothing();
    fireEvent.change(field, { target: { value: ` Bearer ${tokenOf({ organization_id: "acme" })}\n` } });
    fireEvent.click(await button(en.entry.show));
    expect(await numbers()).toBeTruthy();
  });

  it("is told at once of a text that is no token, and of a token that has expired", async () => {
    settings();
    openPage({ token: null });
    const field = await screen.findByLabelText(en.entry.token);
    fireEvent.change(field, { target: { value: "hunter2" } });
    fireEvent.click(await button(en.entry.show));
    expect(await screen.findByText(en.entry.notAToken)).toBeTruthy();
    expect(field.getAttribute("aria-invalid")).toBe("true");
    fireEvent.change(field, { target: { value: tokenOf({ organization_id: "acme", exp: 1_000 }) } });
    expect(field.getAttribute("aria-invalid")).toBe("false");
    fireEvent.click(await button(en.entry.show));
    expect(await screen.findByText(/^This token expired at .*1970/)).toBeTruthy();
    asksNothing();
  });

  it("signs in at the provider, or uses a token instead", async () => {
    settings({ signIn: SIGN_IN });
    openPage({ token: null });
    expect(await button("Sign in with id.example.com")).toBeTruthy();
    expect(screen.getByText(en.entry.signInStays)).toBeTruthy();
    expect(screen.getByText(en.entry.useToken).closest("details")?.open).toBe(false);
  });

  it("is told that the provider can't be reached, and may try again", async () => {
    settings({ signIn: SIGN_IN });
    server.use(http.get(`${SIGN_IN.issuer}/.well-known/openid-configuration`, () => HttpResponse.error()));
    Object.assign(globalThis, { isSecureContext: true });
    openPage({ token: null });
    fireEvent.click(await button("Sign in with id.example.com"));
    expect(await screen.findByText("id.example.com can’t be reached.")).toBeTruthy();
    expect(await button("Sign in with id.example.com")).toBeTruthy();
  });

  it("pastes a token also where the settings can't be read", async () => {
    server.use(http.get("*/overview/settings.json", () => HttpResponse.error()));
    openPage({ token: null });
    expect(await screen.findByLabelText(en.entry.token)).toBeTruthy();
    expect(screen.getByText(en.entry.contact.unknown)).toBeTruthy();
  });
});

describe("whoever has no access", () => {
  const refusing = (type: string) =>
    answerTo("get", "/metrics/overview", () =>
      HttpResponse.json(
        { type: `/problems/${type}`, title: "No", status: 403, detail: "said by the API" },
        { status: 403 },
      ),
    );

  it("because the token names no organization is told so without a question to the API", async () => {
    settings();
    openPage({ token: tokenOf({ name: "Nora", sub: "n1" }) });
    expect(await heading(en.entry.noAccess.noOrganization.title)).toBeTruthy();
    expect(screen.getByText("Nora")).toBeTruthy();
    const letter = await screen.findByRole("link", { name: "metrics@example.com" });
    expect(decodeURIComponent(letter.getAttribute("href") ?? "")).toContain("Account: Nora\norganization_id");
    asksNothing();
    fireEvent.click(await button(en.entry.noAccess.otherToken));
    expect(await screen.findByLabelText(en.entry.token)).toBeTruthy();
  });

  it.each([
    ["insufficient-scope", en.entry.noAccess.insufficientScope.title, "scope: metrics:read"],
    ["other-organization", en.entry.noAccess.otherOrganization.title, "organizations: acme"],
    ["no-organization", en.entry.noAccess.noOrganization.title, "organization_id, organizations"],
  ])("because of %s is told what is missing", async (type, title, missing) => {
    settings();
    refusing(type);
    openPage({ token: tokenOf({ organization_id: "acme", organizations: ["beta"] }) });
    expect(await heading(title)).toBeTruthy();
    expect(screen.getByText(missing)).toBeTruthy();
    expect(screen.getByText("said by the API")).toBeTruthy();
  });
});

describe("whoever has several organizations", () => {
  const token = tokenOf({ organizations: ["acme", "beta"], sub: "sam" });

  it("chooses one, for which the API is asked from then on", async () => {
    const meant: (string | null)[] = [];
    answerTo("get", "/metrics/overview", ({ request }) => {
      meant.push(request.headers.get("organization-id"));
      return HttpResponse.json(overview());
    });
    openPage({ token });
    expect(await heading(en.entry.choose.title)).toBeTruthy();
    asksNothing();
    fireEvent.click(await button("beta"));
    expect(await numbers()).toBeTruthy();
    expect(new Set(meant)).toEqual(new Set(["beta"]));
    expect(location.search).toBe("?timezone=UTC&organization=beta");
  });

  it("finds one among many", async () => {
    openPage({ token: tokenOf({ organizations: Array.from({ length: 40 }, (_, n) => `shop-${n}`) }) });
    fireEvent.change(await screen.findByLabelText(en.entry.choose.find), { target: { value: "SHOP-39" } });
    const found = screen.getAllByRole("button", { name: /^shop-/ });
    expect(found.map((one) => one.textContent)).toEqual(["shop-39"]);
    fireEvent.change(screen.getByLabelText(en.entry.choose.find), { target: { value: "nowhere" } });
    expect(screen.getByText(en.entry.choose.none)).toBeTruthy();
  });

  it("is told of a link for another one", async () => {
    openPage({ token, search: "?organization=gamma" });
    expect(await screen.findByText(en.entry.choose.unmet("gamma"))).toBeTruthy();
  });
});

describe("a link while somebody is signed in", () => {
  const acme = tokenOf({ organization_id: "acme", name: "Ann", sub: "ann" });
  const beta = tokenOf({ organization_id: "beta", name: "Bob", sub: "bob" });
  const follow = async (token: string) => {
    await numbers();
    history.replaceState(null, "", `${location.pathname}${location.search}#token=${token}`);
    fireEvent(window, new Event("hashchange"));
  };

  it("for another organization asks, and names both; the numbers stay behind the question", async () => {
    openPage({ token: acme });
    await follow(beta);
    const dialog = await screen.findByRole("alertdialog", { name: "Switch to beta?" });
    expect(dialog.textContent).toContain("You are signed in for acme as Ann. This link is for beta as Bob");
    expect(location.hash).toBe("");
    expect(await numbers()).toBeTruthy();
    fireEvent.click(within(dialog).getByRole("button", { name: "Keep acme" }));
    expect(screen.queryByRole("alertdialog")).toBeNull();
    expect(sessionStorage.getItem("token")).toBe(acme);
  });

  it("switches if that is said, and keeps by Escape", async () => {
    openPage({ token: acme });
    await follow(beta);
    fireEvent(await screen.findByRole("alertdialog"), new Event("cancel", { cancelable: true }));
    expect(screen.queryByRole("alertdialog")).toBeNull();
    await follow(beta);
    answer("overview", overview({ summary: { ...overview().summary, organizationName: "Beta" } }));
    fireEvent.click(await button("Switch to beta"));
    expect(await screen.findByRole("heading", { level: 1, name: "Beta" })).toBeTruthy();
    expect(sessionStorage.getItem("token")).toBe(beta);
  });

  it("for another person of the same organization names the persons", async () => {
    openPage({ token: acme });
    await follow(tokenOf({ organization_id: "acme", name: "Bob", sub: "bob" }));
    expect(await screen.findByRole("alertdialog", { name: "Switch to Bob?" })).toBeTruthy();
    expect(await button("Keep Ann")).toBeTruthy();
  });

  it("whose token can't be used changes nothing, and says so", async () => {
    openPage({ token: acme });
    await follow("nonsense");
    expect(await screen.findByText(en.sessionNotes.passedOver.unreadable)).toBeTruthy();
    fireEvent.click(await button(en.common.dismiss));
    expect(screen.queryByText(en.sessionNotes.passedOver.unreadable)).toBeNull();
  });
});

it("a link for an organization that the token doesn't have is shown for the token's, and says so", async () => {
  openPage({ token: tokenOf({ organization_id: "acme" }), search: "?organization=beta" });
  expect(await numbers()).toBeTruthy();
  expect(await screen.findByText(en.sessionNotes.unmet.title("beta"))).toBeTruthy();
});

it("a session that ends within minutes says when", async () => {
  settings();
  answer("overview", overview(), { date: new Date().toUTCString() });
  openPage({ token: tokenOf({ organization_id: "acme", exp: Date.now() / 1_000 + 120 }) });
  expect(await screen.findByText(/^Your sign-in ends at /)).toBeTruthy();
  expect(screen.getByText(en.sessionNotes.endsForToken)).toBeTruthy();
});
