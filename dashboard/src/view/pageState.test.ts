// The state of the page as a whole.

import { expect, it } from "vitest";
import { Refusal, type RefusalKind } from "../api/refusal";
import { type PageState, pageStateOf } from "./pageState";

const condition = (kind: RefusalKind | null, ageSeconds = 0) => ({
  ageSeconds,
  refusal: kind === null ? null : new Refusal(kind),
});

it.each<[(RefusalKind | null)[], PageState["kind"]]>([
  [[null, null, null], "well"],
  [["unavailable", null, null], "partial"],
  [["absent", null, null], "partial"],
  [["unavailable", "unavailable", "unavailable"], "unavailable"],
  [["unreachable", null, null], "unreachable"],
  [["limited", "unreachable", null], "limited"],
  [["malformed", "malformed", "limited"], "malformed"],
  [["forbidden", "limited", null], "noAccess"],
  [["forbidden", "unauthorized", null], "signedOut"],
])("%o is %s", (kinds, expected) => {
  expect(pageStateOf(kinds.map((kind) => condition(kind))).kind).toBe(expected);
});

it("is as old as its oldest answer", () => {
  expect(pageStateOf([condition(null), condition(null, 40), condition(null, 3)])).toEqual({
    kind: "stale",
    ageSeconds: 40,
  });
});
