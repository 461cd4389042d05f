// Authorization code with PKCE, by oauth4webapi. A piece of its own, loaded when somebody signs in, is renewed or signs out.

import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  AuthorizationResponseError,
  type AuthorizationServer,
  calculatePKCECodeChallenge,
  type Client,
  clockSkew,
  clockTolerance,
  discoveryRequest,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  None,
  processAuthorizationCodeResponse,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  ResponseBodyError,
  type TokenEndpointResponse,
  validateAuthResponse,
} from "oauth4webapi";
import { claimsOf } from "./claims";
import type { SignInSettings } from "./pageSettings";
import { serverNow } from "./serverClock";
import { type Grant, type Granted, keepPending, type Pending, SignInFailure } from "./signIn";

/** Where the provider sends people back to: registered there. */
const PAGE = "/overview";
const WITHIN_MS = 10_000;
/** How far the provider's clock may be from the API's. */
const CLOCKS_DIFFER_BY_S = 30;

/**
 * Begins a sign-in, and keeps for this tab what the answer must fit.
 *
 * @returns the provider's address to go to
 * @throws {SignInFailure}
 */
export function begin(settings: SignInSettings, from: Pick<Pending, "view" | "automatic">): Promise<URL> {
  return told(async () => {
    // Without it there is no SHA-256, and so no PKCE.
    if (!globalThis.isSecureContext) throw new SignInFailure("insecure");
    const server = await discover(settings);
    if (server.authorization_endpoint === undefined)
      throw new SignInFailure("broken", "no authorization_endpoint");
    const pending: Pending = {
      state: generateRandomState(),
      nonce: generateRandomNonce(),
      verifier: generateRandomCodeVerifier(),
      ...from,
    };
    const address = new URL(server.authorization_endpoint);
    const parameters = {
      response_type: "code",
      client_id: settings.clientId,
      redirect_uri: page(),
      scope: settings.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: "S256",
      ...meant(settings),
    };
    for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
    keepPending(pending);
    return address;
  });
}

/**
 * Exchanges the provider's answer for tokens.
 *
 * @throws {SignInFailure}
 */
export function finish(
  settings: SignInSettings,
  pending: Pending | null,
  answer: URLSearchParams,
): Promise<Granted> {
  return told(async () => {
    if (pending === null || answer.get("state") !== pending.state) throw new SignInFailure("lost");
    const server = await discover(settings);
    const client = clientOf(settings);
    const checked = validateAuthResponse(server, client, answer, pending.state);
    const response = await authorizationCodeGrantRequest(
      server,
      client,
      None(),
      checked,
      page(),
      pending.verifier,
      { ...requests(settings), additionalParameters: resourceOf(settings) },
    );
    const tokens = await processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: pending.nonce,
      requireIdToken: true,
    });
    return granted(tokens, { refreshToken: null, idToken: null, automatic: pending.automatic });
  });
}

/**
 * Exchanges a refresh token for a new access token. Providers often give another refresh token with it.
 *
 * @throws {SignInFailure}
 */
export function renew(settings: SignInSettings, refreshToken: string, before: Grant): Promise<Granted> {
  return told(async () => {
    const server = await discover(settings);
    const client = clientOf(settings);
    const options = { ...requests(settings), additionalParameters: resourceOf(settings) };
    const response = await refreshTokenGrantRequest(server, client, None(), refreshToken, options);
    const tokens = await processRefreshTokenResponse(server, client, response);
    return granted(tokens, before);
  });
}

/** The provider's address for signing out, which leads back here; null if it has none. */
export async function endOf(settings: SignInSettings, idToken: string | null): Promise<URL | null> {
  const { end_session_endpoint: endpoint } = await discover(settings);
  if (endpoint === undefined) return null;
  const address = new URL(endpoint);
  if (idToken !== null) address.searchParams.set("id_token_hint", idToken);
  address.searchParams.set("client_id", settings.clientId);
  address.searchParams.set("post_logout_redirect_uri", page());
  return address;
}

function page(): string {
  return location.origin + PAGE;
}

async function discover(settings: SignInSettings): Promise<AuthorizationServer> {
  const issuer = new URL(settings.issuer);
  const response = await discoveryRequest(issuer, requests(settings));
  return processDiscoveryResponse(issuer, response);
}

/** Times are judged by the API's clock: the browser's may be days off. */
function clientOf({ clientId }: SignInSettings): Client {
  const skew = Math.round((serverNow().getTime() - Date.now()) / 1_000);
  return { client_id: clientId, [clockSkew]: skew, [clockTolerance]: CLOCKS_DIFFER_BY_S };
}

/** The API takes an issuer without TLS on the same machine only. */
function requests({ issuer }: SignInSettings) {
  return { [allowInsecureRequests]: issuer.startsWith("http:"), signal: AbortSignal.timeout(WITHIN_MS) };
}

/** Which API the access token is meant for, as the provider wants to be told. */
function meant({ audience, resource }: SignInSettings): Record<string, string> {
  return { ...(audience === null ? {} : { audience }), ...(resource === null ? {} : { resource }) };
}

/** RFC 8707, section 2.2: the exchange names it, too. */
function resourceOf({ resource }: SignInSettings): Record<string, string> {
  return resource === null ? {} : { resource };
}

/** What isn't given anew stays. */
function granted(tokens: TokenEndpointResponse, before: Omit<Grant, "since">): Granted {
  const token = tokens.access_token;
  if (claimsOf(token) === null) throw new SignInFailure("unusable");
  return {
    token,
    refreshToken: tokens.refresh_token ?? before.refreshToken,
    idToken: tokens.id_token ?? before.idToken,
    since: serverNow().getTime(),
    automatic: before.automatic,
  };
}

/** Does it, and turns every way to fail into a `SignInFailure`. */
async function told<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): SignInFailure {
  if (error instanceof SignInFailure) return error;
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    return new SignInFailure("refused", error.error_description ?? error.error);
  }
  // The library checks its arguments by TypeErrors, too, but with a code.
  const isNetwork = error instanceof TypeError && !("code" in error);
  const isTooLate = error instanceof DOMException && error.name === "TimeoutError";
  if (isNetwork || isTooLate) return new SignInFailure("unreachable");
  return new SignInFailure("broken", error instanceof Error ? error.message : null);
}
