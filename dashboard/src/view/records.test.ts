// Whether the organization's records cover what is compared with.

import { describe, expect, it } from "vitest";
import { BEGUN, summary } from "../testing/answers";
import { de } from "../texts/de";
import { en } from "../texts/en";
import { formatsOf } from "./formats";
import { uncoveredIn, uncoveredUntil } from "./records";

describe("what is compared with", () => {
  it("is covered, or not there", () => {
    expect(uncoveredUntil(summary())).toBeNull();
    expect(uncoveredUntil({ ...BEGUN, comparison: null })).toBeNull();
  });

  it("lacks records up to where they begin", () => {
    expect(uncoveredUntil(summary(BEGUN))).toBe(BEGUN.recordsFrom);
    // There are none, so nothing is said of when they begin.
    expect(uncoveredUntil({ ...BEGUN, recordsFrom: null })).toBeNull();
  });

  it("is said to be incomplete, with the year, by the clock of the zone", () => {
    const english = uncoveredIn(en, formatsOf("en-GB", "UTC", en.formats), BEGUN.recordsFrom);
    expect(english).toBe("incomplete: records begin on 24 Feb 2026, 22:00");
    const german = uncoveredIn(de, formatsOf("de-DE", "Europe/Berlin", de.formats), BEGUN.recordsFrom);
    expect(german).toBe("unvollständig: Datensätze erst ab 24. Feb. 2026, 23:00");
  });
});
