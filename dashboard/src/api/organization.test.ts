// Which organization is shown, and how the address names it.
//
// @vitest-environment happy-dom

import { beforeEach, expect, it } from "vitest";
import { tokenOf } from "../testing/tokens";
import { claimsOf } from "./claims";
import { choiceOf, organizationInAddress, writeOrganization } from "./organization";

const several = claimsOf(tokenOf({ organizations: ["acme", "beta"] }));
const own = claimsOf(tokenOf({ organization_id: "acme", organizations: ["beta"] }));
const one = claimsOf(tokenOf({ organization_id: "acme" }));

it.each([
  ["of several, none is meant", several, null, null, null, null],
  ["of several, the address's", several, "beta", "acme", "beta", null],
  ["of several, that of before", several, null, "beta", "beta", null],
  ["of several, the token's own", own, null, null, "acme", null],
  ["of several, that of before rather than the token's own", own, null, "beta", "beta", null],
  ["the address's isn't among several", own, "gamma", null, "acme", "gamma"],
  ["nor is that of before", own, null, "gamma", "acme", null],
  ["the only one needs no choice", one, "acme", null, null, null],
  ["the only one isn't the address's", one, "beta", null, null, "beta"],
  ["a token that says nothing", null, "beta", "acme", null, null],
  ["a token without an organization", claimsOf(tokenOf({})), "beta", null, null, null],
] as const)("%s", (_, claims, asked, before, organization, unmet) => {
  expect(choiceOf(claims, asked, before)).toEqual({ organization, unmet });
});

beforeEach(() => history.replaceState(null, "", "/overview?range=7d&timezone=Europe/Berlin"));

it("stands in the address beside the view", () => {
  writeOrganization("Zürich & Söhne", "same");
  expect(organizationInAddress()).toBe("Zürich & Söhne");
  expect(location.search).toContain("range=7d&timezone=Europe/Berlin&organization=");
  writeOrganization(null, "same");
  expect(location.search).toBe("?range=7d&timezone=Europe/Berlin");
  expect(organizationInAddress()).toBeNull();
});

it("makes a new entry of the history where Back should undo it", () => {
  const entries = history.length;
  writeOrganization("acme", "same");
  expect(history.length).toBe(entries);
  writeOrganization("beta", "new");
  expect(history.length).toBe(entries + 1);
  writeOrganization("beta", "new");
  expect(history.length).toBe(entries + 1);
});
