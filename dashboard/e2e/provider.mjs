// An OpenID provider on this machine, for trying how people sign in (npm's oidc-provider). It prints its issuer on standard
// output once it listens, and ends on SIGTERM or SIGINT.
//
// PORT                    where it listens; a free port without it
// PROVIDER_ORGANIZATIONS  the organizations' ids, separated by commas; acme,beta without it
// TOKEN_SECONDS           how long an access token is valid; 3600 without it
//
// The query API that takes its tokens, and serves the page that signs in here:
//
// JWT_JWKS_URL=$ISSUER/jwks JWT_ISSUER=$ISSUER JWT_AUDIENCE=https://metrics.example OIDC_ISSUER=$ISSUER
// OIDC_CLIENT_ID=page OIDC_RESOURCE=https://metrics.example

import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { URLSearchParams } from "node:url";
import Provider from "oidc-provider";

const RESOURCE = "https://metrics.example";
const organizations = (process.env["PROVIDER_ORGANIZATIONS"] ?? "acme,beta").split(",");
const tokenSeconds = Number(process.env["TOKEN_SECONDS"] ?? 3_600);
const [first] = organizations;

/** Who may sign in, by the name that is typed; nobody has a password. */
const ACCOUNTS = {
  ann: { refreshes: true, claims: { name: "Ann Example", organization_id: first } },
  ben: { claims: { name: "Ben Example", organization_id: first } },
  several: { refreshes: true, claims: { name: "Sam Several", organizations } },
  nobody: { claims: { name: "Nora Nobody" } },
  opaque: { opaque: true, claims: { name: "Otto Opaque", organization_id: first } },
};

const server = createServer().listen(Number(process.env["PORT"] ?? 0), "127.0.0.1");
await new Promise((listening) => server.once("listening", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, configuration());

// The page's port is different each time.
const isOfPage = (address) => /^http:\/\/(127\.0\.0\.1|localhost):\d+\/overview$/.test(address);
provider.Client.prototype.redirectUriAllowed = isOfPage;
provider.Client.prototype.postLogoutRedirectUriAllowed = isOfPage;

const answer = provider.callback();
server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) return answer(request, response);
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.closeAllConnections();
    server.close();
  });
}
console.log(issuer);

function configuration() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    clients: [
      {
        client_id: "page",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        redirect_uris: ["http://127.0.0.1/overview"],
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "tests", use: "sig", alg: "RS256" }] },
    cookies: { keys: [randomBytes(32).toString("hex")] },
    scopes: ["openid", "profile", "offline_access"],
    claims: { openid: ["sub"], profile: ["name"] },
    clientBasedCORS: (_, origin) => isOfPage(`${origin}/overview`),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, accountId) => ({
      accountId,
      claims: () => ({ sub: accountId, name: ACCOUNTS[accountId]?.claims.name }),
    }),
    extraTokenClaims: (_, { accountId }) => ACCOUNTS[accountId]?.claims,
    issueRefreshToken: (_, __, { accountId }) => ACCOUNTS[accountId]?.refreshes === true,
    loadExistingGrant: consented,
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: ({ oidc }) => ({
          scope: "metrics:read settings:read settings:write",
          accessTokenFormat: ACCOUNTS[oidc.account?.accountId]?.opaque === true ? "opaque" : "jwt",
          accessTokenTTL: tokenSeconds,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
      rpInitiatedLogout: { enabled: true, logoutSource: askToSignOut },
    },
  };
}

/** Everybody has agreed to everything. */
async function consented({ oidc }) {
  const { client, session, provider } = oidc;
  const known = oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId);
  if (known) return provider.Grant.find(known);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope("openid profile offline_access");
  grant.addResourceScope(RESOURCE, "metrics:read settings:read settings:write");
  await grant.save();
  return grant;
}

/** Asks for an account, and takes its name for a sign-in. */
async function interact(request, response) {
  if (request.method === "POST") {
    const account = new URLSearchParams(await text(request)).get("account") ?? "";
    if (account === "denied") {
      const refusal = { error: "access_denied", error_description: "This account may not sign in." };
      return provider.interactionFinished(request, response, refusal);
    }
    if (Object.hasOwn(ACCOUNTS, account)) {
      return provider.interactionFinished(request, response, { login: { accountId: account } });
    }
  }
  show(
    response,
    `<form method="post"><label>Account <input name="account" autofocus></label> <button>Continue</button></form>
     <p>${Object.keys(ACCOUNTS).join(", ")}, or denied</p>`,
  );
}

function askToSignOut(ctx, form) {
  ctx.body = document(
    `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out everywhere</button>`,
  );
}

function show(response, body) {
  response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(document(body));
}

function document(body) {
  return `<!doctype html><html lang="en"><title>Provider</title><h1>Provider</h1>${body}</html>`;
}
