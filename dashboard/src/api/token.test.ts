// Where a token comes from, and where it is kept.
//
// @vitest-environment happy-dom

import { beforeEach, expect, it } from "vitest";
import { storedToken, storeToken, takeTokenFromAddress, trimmed } from "./token";

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, "", "/overview");
});

it("takes the token out of the address and leaves the rest", () => {
  history.replaceState(null, "", "/overview?range=7d#token=abc.def.ghi");
  expect(takeTokenFromAddress()).toBe("abc.def.ghi");
  expect(location.pathname + location.search + location.hash).toBe("/overview?range=7d");
  expect(takeTokenFromAddress()).toBeNull();
});

it("leaves other fragments alone", () => {
  history.replaceState(null, "", "/overview#insights");
  expect(takeTokenFromAddress()).toBeNull();
  expect(location.hash).toBe("#insights");
});

it("keeps the token in this tab only", () => {
  storeToken("abc");
  expect(storedToken()).toBe("abc");
  expect(localStorage.length).toBe(0);
  storeToken(null);
  expect(storedToken()).toBeNull();
});

it.each([
  ["  abc \n", "abc"],
  ["Bearer abc", "abc"],
  ["   ", null],
])("%o is pasted as %o", (pasted, token) => {
  expect(trimmed(pasted)).toBe(token);
});
