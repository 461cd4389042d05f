// Another version of the browser is neither a failure that nobody understands, nor a pass that nobody knows of.

import { expect, test } from "@playwright/test";
import { comparisonOf } from "./accepted";

test("the same major version is compared exactly", () => {
  expect(comparisonOf("140.0.7339.80", "140.0.7339.185")).toEqual({
    tolerance: { threshold: 0.1, maxDiffPixels: 100 },
    note: null,
  });
});

test("another one is compared coarsely, and both are named", () => {
  const { tolerance, note } = comparisonOf("140.0.7339.80", "141.0.7390.54");
  expect(tolerance).toEqual({ threshold: 0.2, maxDiffPixelRatio: 0.01 });
  expect(note).toContain("140.0.7339.80");
  expect(note).toContain("141.0.7390.54");
  expect(note).toContain("npm run accept");
});

test("pictures of nobody knows which browser are compared with none", () => {
  expect(() => comparisonOf(null, "141.0.7390.54")).toThrow(/browser\.json is missing/);
  expect(() => comparisonOf("140.0.7339.80", "")).toThrow(/no version/);
});
