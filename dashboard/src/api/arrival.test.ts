// What a load of the page takes from its address.
//
// @vitest-environment happy-dom

import { beforeEach, expect, it } from "vitest";
import { arrive } from "./arrival";
import { keepPending } from "./signIn";

const PENDING = { state: "s", nonce: "n", verifier: "v", view: "/overview?range=7d", automatic: false };
const address = () => location.pathname + location.search + location.hash;

beforeEach(() => sessionStorage.clear());

it("takes a token", () => {
  history.replaceState(null, "", "/overview?range=7d#token=abc");
  expect(arrive()).toEqual({ token: null, grant: null, offered: "abc", returned: null });
  expect(address()).toBe("/overview?range=7d");
});

it("takes a provider's answer, and goes back to the view where the sign-in began", () => {
  keepPending(PENDING);
  history.replaceState(null, "", "/overview?code=c&state=s&iss=https%3A%2F%2Fid");
  const { returned } = arrive();
  expect(returned?.pending).toEqual(PENDING);
  expect(returned?.answer.get("code")).toBe("c");
  expect(address()).toBe("/overview?range=7d");
  expect(arrive().returned).toBeNull();
});

it("takes a refusal, and keeps the view if the sign-in was begun elsewhere", () => {
  history.replaceState(null, "", "/overview?range=30d&error=access_denied&state=s");
  const { returned } = arrive();
  expect([returned?.pending, returned?.answer.get("error")]).toEqual([null, "access_denied"]);
  expect(address()).toBe("/overview?range=30d");
});

it.each(["?code=c", "?state=s", "?error=e", "?range=7d"])("takes %s for no answer", (search) => {
  keepPending(PENDING);
  history.replaceState(null, "", `/overview${search}`);
  expect(arrive().returned).toBeNull();
  expect(address()).toBe(`/overview${search}`);
});
