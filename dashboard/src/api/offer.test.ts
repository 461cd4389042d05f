// When a link's token replaces the one in use, and when somebody is asked.

import { expect, it } from "vitest";
import { tokenOf } from "../testing/tokens";
import { verdictOn } from "./offer";

const NOW = 1_000_000;
const at = (seconds: number) => NOW / 1_000 + seconds;
const acme = { organization_id: "acme", exp: at(60) };
const ann = { ...acme, sub: "ann", iss: "https://id.example.com" };

it.each([
  ["nobody is signed in", null, acme, "take"],
  ["it is the same token", acme, acme, "same"],
  ["it is newer", acme, { ...acme, exp: at(90) }, "take"],
  ["it is older", acme, { ...acme, exp: at(30) }, "same"],
  ["it has expired", acme, { ...acme, exp: at(-1) }, "expired"],
  ["the one in use has expired", { ...acme, exp: at(-1) }, { ...acme, organization_id: "beta" }, "take"],
  ["it is another organization's", acme, { ...acme, organization_id: "beta" }, "ask"],
  ["it has other rights", ann, { ...ann, exp: at(60), scope: "metrics:read" }, "take"],
  ["it is another person's", ann, { ...ann, sub: "bob" }, "ask"],
  ["it is nobody's", ann, acme, "ask"],
  ["it is the same name's at another issuer", ann, { ...ann, iss: "https://other.example.com" }, "ask"],
  ["it names the organization among others", ann, { ...ann, organizations: ["beta"], exp: at(90) }, "take"],
  ["it names others alone", ann, { ...ann, organization_id: undefined, organizations: ["beta"] }, "ask"],
  ["it has no organization", acme, { exp: at(90) }, "ask"],
] as const)("if %s", (_, current, offered, verdict) => {
  const held = current === null ? null : tokenOf(current);
  expect(verdictOn(tokenOf(offered), held, "acme", NOW)).toBe(verdict);
});

it("a text that is no token replaces none that works", () => {
  expect(verdictOn("nonsense", tokenOf(acme), "acme", NOW)).toBe("unreadable");
  expect(verdictOn("nonsense", null, null, NOW)).toBe("take");
  expect(verdictOn(tokenOf(acme), "nonsense", null, NOW)).toBe("take");
});
