// Both languages say everything, each in its own words.

import { expect, it } from "vitest";
import { de } from "./de";
import { en } from "./en";

/** Every text by its path; a text that depends on something is only named. */
function textsIn(part: unknown, path = ""): [string, string][] {
  if (typeof part === "string") return [[path, part]];
  if (typeof part === "function") return [[path, "function"]];
  if (typeof part !== "object" || part === null) return [];
  return Object.entries(part).flatMap(([name, inner]) => textsIn(inner, `${path}/${name}`));
}

it("German says all that English says", () => {
  const paths = (texts: unknown) => textsIn(texts).map(([path]) => path);
  expect(paths(de)).toEqual(expect.arrayContaining(paths(en)));
});

it.each([
  ["English", en],
  ["German", de],
])("%s has no text that is empty", (_, texts) => {
  expect(textsIn(texts).filter(([, text]) => text.trim() === "")).toEqual([]);
});
