// The range of a panel's answer beside the page's.

import { describe, expect, it } from "vitest";
import { en } from "../texts/en";
import { formatsOf } from "./formats";
import { differenceOf, judgedIn, ownRangeIn } from "./rowsOwnRange";
import { exactly } from "./rowsRange";
import { loadTemporal } from "./temporal";

await loadTemporal();

const KOLKATA = "Asia/Kolkata";
/** Tuesday, 24 November, in Kolkata. */
const PAGE = { from: "2026-11-23T18:30:00.000Z", to: "2026-11-24T18:30:00.000Z" };
const ROUNDED = { from: "2026-11-23T18:00:00.000Z", to: "2026-11-24T19:00:00.000Z" };
const formats = formatsOf("en-GB", KOLKATA, en.formats);

describe("the range of an answer", () => {
  it("is said where it was rounded to hours of UTC", () => {
    expect(ownRangeIn(en, formats, ROUNDED, PAGE)?.replaceAll(/[\u2009\u202f\u00a0]/g, " ")).toBe(
      "Counted by whole hours of UTC: Mon 23 Nov, 23:30 – Wed 25 Nov, 00:30",
    );
  });

  it("isn't said where it is the page's", () => {
    expect(ownRangeIn(en, formats, PAGE, PAGE)).toBeNull();
  });

  it("isn't called rounded if it is another", () => {
    const anHourEarlier = { from: "2026-11-23T17:30:00.000Z", to: "2026-11-24T17:30:00.000Z" };
    expect(differenceOf(anHourEarlier, PAGE)).toBe("other");
  });
});

describe("what insights have judged", () => {
  const until = (to: string) => ({ from: PAGE.from, to });

  it("is said while a part of the range is left out", () => {
    const words = judgedIn(en, formats, until("2026-11-24T06:30:00.000Z"), PAGE);
    expect(words).toMatch(/^Judged: .*00:00\s*–.*12:00, without what is still open$/);
  });

  it("is said where the range begins before it", () => {
    const words = judgedIn(en, formats, { ...PAGE, from: "2026-11-24T00:30:00.000Z" }, PAGE);
    expect(words).toMatch(/^Judged: .*06:00\s*–.*00:00$/);
  });

  it("isn't said of all of the range, or of nothing", () => {
    expect(judgedIn(en, formats, until(PAGE.to), PAGE)).toBeNull();
    expect(judgedIn(en, formats, null, PAGE)).toBeNull();
  });
});

describe("the same range again", () => {
  it.each([
    ["days of the zone", PAGE, "day", { granularity: "day", timezone: KOLKATA }],
    ["hours of the zone", PAGE, "hour", { granularity: "hour", timezone: KOLKATA }],
    ["days that were rounded to hours of UTC", ROUNDED, "day", { granularity: "hour" }],
    ["hours that were rounded to hours of UTC", ROUNDED, "hour", { granularity: "hour" }],
  ] as const)("is asked for in %s", (_, interval, granularity, buckets) => {
    expect(exactly({ ...interval, granularity, timezone: KOLKATA })).toEqual({ ...interval, ...buckets });
  });
});
