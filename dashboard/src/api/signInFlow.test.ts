// The requests of a sign-in, with a provider in the same process. A real provider is in `e2e/signIn.spec.ts`.
//
// @vitest-environment happy-dom

import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { tokenOf } from "../testing/tokens";
import { type Grant, SignInFailure, takePending } from "./signIn";
import { begin, endOf, finish, renew } from "./signInFlow";

const ISSUER = "https://id.example.com/realm";
const SETTINGS = {
  issuer: ISSUER,
  clientId: "page",
  scope: "openid profile",
  audience: "https://metrics.example.com",
  resource: "urn:metrics",
};
const METADATA = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/auth?kept=yes`,
  token_endpoint: `${ISSUER}/token`,
  end_session_endpoint: `${ISSUER}/end`,
};
const TOKEN = tokenOf({ organization_id: "acme" });

/** What was sent to the token endpoint. */
const sent: Record<string, string>[] = [];
const discovery = (metadata: object) =>
  http.get(`${ISSUER}/.well-known/openid-configuration`, () => HttpResponse.json(metadata));
const exchange = (body: Record<string, unknown>, status = 200) =>
  http.post(`${ISSUER}/token`, async ({ request }) => {
    sent.push(Object.fromEntries(new URLSearchParams(await request.text())));
    return HttpResponse.json(body, { status });
  });
const provider = setupServer();

beforeAll(() => provider.listen({ onUnhandledRequest: "error" }));
beforeEach(() => {
  provider.use(discovery(METADATA));
  sent.length = 0;
  sessionStorage.clear();
  Object.assign(globalThis, { isSecureContext: true });
});
afterEach(() => provider.resetHandlers());
afterAll(() => provider.close());

const from = { view: "/overview?range=7d", automatic: false };
const idToken = (claims: object) =>
  tokenOf({ iss: ISSUER, aud: "page", sub: "ann", iat: Math.floor(Date.now() / 1_000), ...claims }, "RS256");
const answerTo = (state: string) => new URLSearchParams({ code: "c", state });

async function begun() {
  const address = await begin(SETTINGS, from);
  const pending = takePending();
  if (pending === null) throw new Error("nothing is kept of the sign-in");
  return { address, pending };
}

const failure = (attempt: Promise<unknown>) => attempt.then(() => null).catch((error: unknown) => error);

it("begins with PKCE, state and nonce, which this tab keeps", async () => {
  const { address, pending } = await begun();
  expect(address.origin + address.pathname).toBe(`${ISSUER}/auth`);
  expect(Object.fromEntries(address.searchParams)).toEqual({
    kept: "yes",
    response_type: "code",
    client_id: "page",
    redirect_uri: `${location.origin}/overview`,
    scope: "openid profile",
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
    code_challenge_method: "S256",
    audience: "https://metrics.example.com",
    resource: "urn:metrics",
  });
  expect(pending).toMatchObject(from);
});

it("exchanges the answer for tokens", async () => {
  const { pending } = await begun();
  const id = idToken({ nonce: pending.nonce });
  provider.use(exchange({ access_token: TOKEN, token_type: "Bearer", refresh_token: "r", id_token: id }));
  const granted = await finish(SETTINGS, pending, answerTo(pending.state));
  expect(granted).toMatchObject({ token: TOKEN, refreshToken: "r", idToken: id, automatic: false });
  expect(sent).toEqual([
    {
      grant_type: "authorization_code",
      client_id: "page",
      code: "c",
      code_verifier: pending.verifier,
      redirect_uri: `${location.origin}/overview`,
      resource: "urn:metrics",
    },
  ]);
});

it("renews, and keeps what isn't given anew", async () => {
  const before: Grant = { refreshToken: "r1", idToken: "id", since: 0, automatic: true };
  provider.use(exchange({ access_token: TOKEN, token_type: "Bearer" }));
  const granted = await renew(SETTINGS, "r1", before);
  expect(granted).toMatchObject({ token: TOKEN, refreshToken: "r1", idToken: "id", automatic: true });
  expect(sent).toEqual([
    { grant_type: "refresh_token", client_id: "page", refresh_token: "r1", resource: "urn:metrics" },
  ]);
});

it("knows where to sign out", async () => {
  const address = await endOf(SETTINGS, "id");
  expect(Object.fromEntries(address?.searchParams ?? [])).toEqual({
    id_token_hint: "id",
    client_id: "page",
    post_logout_redirect_uri: `${location.origin}/overview`,
  });
  provider.use(discovery({ ...METADATA, end_session_endpoint: undefined }));
  expect(await endOf(SETTINGS, "id")).toBeNull();
});

it("can't begin without TLS", async () => {
  Object.assign(globalThis, { isSecureContext: false });
  expect(await failure(begin(SETTINGS, from))).toMatchObject({ kind: "insecure" });
});

it.each([
  ["unreachable", http.get(`${ISSUER}/.well-known/openid-configuration`, () => HttpResponse.error())],
  ["broken", discovery({ ...METADATA, issuer: "https://other.example.com" })],
  ["broken", discovery({ ...METADATA, authorization_endpoint: undefined })],
] as const)("can't begin: %s", async (kind, handler) => {
  provider.use(handler);
  expect(await failure(begin(SETTINGS, from))).toMatchObject({ kind });
});

it.each([
  ["lost", "of another sign-in", (state: string) => answerTo(`${state}x`), {}],
  ["lost", "of none", () => new URLSearchParams({ code: "c" }), {}],
  [
    "refused",
    "of a provider that says no",
    (state: string) => new URLSearchParams({ error: "access_denied", state }),
    {},
  ],
  [
    "broken",
    "of another provider",
    (state: string) => new URLSearchParams({ code: "c", state, iss: "https://x" }),
    {},
  ],
  ["broken", "with the nonce of another", answerTo, { nonce: "another" }],
  ["broken", "without a nonce", answerTo, { nonce: undefined }],
  ["broken", "for another client", answerTo, { aud: "another" }],
  ["broken", "that has expired", answerTo, { exp: 1 }],
] as const)("takes as %s an answer %s", async (kind, _, answer, claims) => {
  const { pending } = await begun();
  const id = idToken({ nonce: pending.nonce, ...claims });
  provider.use(exchange({ access_token: TOKEN, token_type: "Bearer", id_token: id }));
  const found = await failure(finish(SETTINGS, pending, answer(pending.state)));
  expect(found).toBeInstanceOf(SignInFailure);
  expect(found).toMatchObject({ kind });
});

it("takes no code that the provider refuses, and no token that the API can't read", async () => {
  const { pending } = await begun();
  provider.use(exchange({ error: "invalid_grant", error_description: "too late" }, 400));
  const refused = await failure(finish(SETTINGS, pending, answerTo(pending.state)));
  expect(refused).toMatchObject({ kind: "refused", detail: "too late" });
  const id = idToken({ nonce: pending.nonce });
  provider.use(exchange({ access_token: "opaque", token_type: "Bearer", id_token: id }));
  expect(await failure(finish(SETTINGS, pending, answerTo(pending.state)))).toMatchObject({
    kind: "unusable",
  });
  expect(await failure(finish(SETTINGS, null, answerTo("s")))).toMatchObject({ kind: "lost" });
});
