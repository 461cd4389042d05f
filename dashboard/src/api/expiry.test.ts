// What is due of a session, and when.

import { expect, it } from "vitest";
import { tokenOf } from "../testing/tokens";
import { claimsOf } from "./claims";
import { type Due, duesOf } from "./expiry";

const END_S = 10_000;
const END = END_S * 1_000;
const MINUTE = 60_000;

const grant = (lifetime: number, more: { refreshToken?: string; automatic?: boolean } = {}) => ({
  refreshToken: null,
  idToken: null,
  automatic: false,
  since: END - lifetime,
  ...more,
});
const before = (due: Due, ms: number) => [due, END - ms];

it.each([
  ["a pasted token", null, [before("tell", 5 * MINUTE)]],
  ["one with a refresh token", grant(60 * MINUTE, { refreshToken: "r" }), [before("renew", MINUTE)]],
  [
    "a short-lived one with a refresh token",
    grant(MINUTE, { refreshToken: "r" }),
    [before("renew", MINUTE / 2)],
  ],
  ["one without", grant(60 * MINUTE), [before("tell", 2 * MINUTE), before("round trip", 0)]],
  ["a short-lived one without", grant(6_000), [before("tell", 3_000), before("round trip", 0)]],
  [
    "one of a round trip",
    grant(60 * MINUTE, { automatic: true }),
    [before("tell", 2 * MINUTE), before("round trip", 0)],
  ],
  ["a short-lived one of a round trip", grant(6_000, { automatic: true }), [before("tell", 3_000)]],
])("%s", (_, given, dues) => {
  expect(duesOf(claimsOf(tokenOf({ exp: END_S })), given)).toEqual(dues);
});

it("nothing is due of a token that doesn't end", () => {
  expect(duesOf(claimsOf(tokenOf({ exp: null })), null)).toEqual([]);
  expect(duesOf(null, grant(MINUTE))).toEqual([]);
});
