// What is learned of the server's clock from the dates of its answers.
//
// @vitest-environment happy-dom

import { afterEach, describe, expect, it } from "vitest";
import { answer, serve } from "../testing/api";
import { summary } from "../testing/answers";
import { clientOf } from "./ask";
import { aheadOf, resetServerClock, serverNow } from "./serverClock";

const DAY_MS = 24 * 60 * 60 * 1_000;

serve();
afterEach(resetServerClock);

describe("how far the server is ahead", () => {
  it.each([
    // what the server wrote, sent and received by the browser's clock, known before, known now
    ["a date of the same second changes nothing", 10_000, 10_100, 10_900, 0, 0],
    ["nor does one of a second that has just ended", 9_000, 9_900, 10_100, 0, 0],
    ["nor does an answer that was long under way", 10_000, 8_000, 14_000, 0, 0],
    ["an hour is an hour", 3_600_000, 0, 0, 0, 3_600_500],
    ["a day behind is a day behind", 0, DAY_MS, DAY_MS, 0, -DAY_MS + 500],
    ["what was learned stays while nothing contradicts it", 3_600_000, 0, 200, 3_600_321, 3_600_321],
    ["until it does", 3_600_000, 0, 0, 0, 3_600_500],
  ])("%s", (_, date, sent, received, before, expected) => {
    expect(aheadOf(date, sent, received, before)).toBe(expected);
  });

  it("is never further from the truth than the answer took, and a second", () => {
    for (const truth of [-DAY_MS, -1_500, -1, 0, 1, 1_500, DAY_MS]) {
      for (const [there, back] of [
        [0, 0],
        [20, 900],
        [3_000, 5],
      ] as const) {
        for (let sent = 0; sent < 1_000; sent += 77) {
          const written = sent + there + truth;
          const date = Math.floor(written / 1_000) * 1_000;
          const learned = aheadOf(date, sent, sent + there + back, 0);
          expect(Math.abs(learned - truth)).toBeLessThanOrEqual(there + back + 1_000);
        }
      }
    }
  });
});

it("is learned from every answer", async () => {
  const tomorrow = new Date(Date.now() + DAY_MS);
  answer("summary", summary(), { date: tomorrow.toUTCString() });
  await clientOf("secret", null).get("/metrics/summary");
  expect(Math.abs(serverNow().getTime() - tomorrow.getTime())).toBeLessThan(60_000);
});

it("is the browser's while no answer says otherwise", async () => {
  answer("summary", summary(), { date: "no date" });
  await clientOf("secret", null).get("/metrics/summary");
  expect(Math.abs(serverNow().getTime() - Date.now())).toBeLessThan(1_000);
});
