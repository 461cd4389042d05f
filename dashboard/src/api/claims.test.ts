// What the page reads of a token, by the API's rules.

import { describe, expect, it } from "vitest";
import { tokenOf } from "../testing/tokens";
import { allows, claimsOf, hasExpired } from "./claims";

describe("the organizations of a token", () => {
  it.each([
    [{ organization_id: "acme" }, ["acme"], "acme"],
    [{ organizations: ["acme"] }, ["acme"], "acme"],
    [{ organizations: ["acme", "beta"] }, ["acme", "beta"], null],
    [{ organization_id: "beta", organizations: ["acme", "beta", "acme"] }, ["beta", "acme"], "beta"],
    [{ organization_id: "Zürich GmbH" }, ["Zürich GmbH"], "Zürich GmbH"],
    [{}, [], null],
    [{ organization_id: "", organizations: [" ", 7, null, "a\u0007", "x".repeat(129)] }, [], null],
    [{ organization_id: 7, organizations: "acme" }, [], null],
  ])("%o", (claims, organizations, own) => {
    expect(claimsOf(tokenOf(claims))).toMatchObject({ organizations, own });
  });
});

it("no more organizations are read than the API reads", () => {
  const organizations = Array.from({ length: 101 }, (_, n) => `o${n}`);
  expect(claimsOf(tokenOf({ organizations }))?.organizations).toEqual(organizations.slice(0, 100));
});

it.each([
  [undefined, true, true, false],
  ["openid profile", true, true, false],
  ["openid metrics:read", true, false, false],
  [["settings:write", "settings:read"], false, true, true],
])("a token with the scopes %o", (scope, metrics, read, write) => {
  for (const name of ["scope", "scopes", "scp"]) {
    const claims = claimsOf(tokenOf({ [name]: scope }));
    const allowed = (["metrics:read", "settings:read", "settings:write"] as const).map((one) =>
      allows(claims, one),
    );
    expect(allowed).toEqual([metrics, read, write]);
  }
});

it("names the person, and knows when the token ends", () => {
  const claims = claimsOf(
    tokenOf({ sub: "u1", iss: "https://id", email: "ann@example.com", name: " ", exp: 60 }),
  );
  expect(claims).toMatchObject({
    name: "ann@example.com",
    subject: "u1",
    issuer: "https://id",
    expiresAt: 60_000,
  });
  expect(claims !== null && [59_999, 60_000].map((now) => hasExpired(claims, now))).toEqual([false, true]);
  expect(claimsOf(tokenOf({ exp: "soon" }))?.expiresAt).toBeNull();
});

it.each(["", "secret", "a.b", "a.b.c", "a.b.c.d", "a.e30", `a.${btoa("[]")}.c`, `a.${btoa("7")}.c`])(
  "%o says nothing",
  (token) => {
    expect(claimsOf(token)).toBeNull();
  },
);
