// The state of the page as a whole.

import { expect, it } from "vitest";
import { Refusal, type RefusalKind } from "../api/refusal";
import { type PageState, pageStateOf } from "./pageState";

it.each<[RefusalKind, PageState["kind"]]>([
  ["unauthorized", "signedOut"],
  ["forbidden", "noAccess"],
  ["malformed", "malformed"],
  ["limited", "limited"],
  ["unreachable", "unreachable"],
  ["unavailable", "unavailable"],
  ["absent", "unavailable"],
])("%s is %s, whatever the age of what is shown", (kind, expected) => {
  const refusal = new Refusal(kind);
  for (const ageSeconds of [0, 40])
    expect(pageStateOf({ ageSeconds, refusal })).toEqual({ kind: expected, refusal });
});

it("is well, or as old as its answer", () => {
  expect(pageStateOf({ ageSeconds: 0, refusal: null })).toEqual({ kind: "well" });
  expect(pageStateOf({ ageSeconds: 40, refusal: null })).toEqual({ kind: "stale", ageSeconds: 40 });
});
