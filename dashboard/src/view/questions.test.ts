// When a question is put again: after a failure that passes, and if the first answer shows that it was another question.

import type { Answer } from "business-metrics-client";
import { expect, it } from "vitest";
import { Refusal } from "../api/refusal";
import { askedOnTime, retryPauseOf } from "./questions";
import type { Bounds } from "./period";

const answered = (body: string): Answer<string> => ({
  body,
  etag: null,
  ageSeconds: 0,
  unchanged: false,
  left: null,
});

it("shows the first answer if its question was meant", async () => {
  const bounds = { from: "2026-02-25T00:00:00.000Z" };
  const answer = await askedOnTime(
    () => ({ ...bounds }),
    () => Promise.resolve(answered("first")),
  );
  expect(answer).toMatchObject({ body: "first", requested: bounds });
});

it("asks anew, and shows nothing of the first, if that answer has set the clock to another day", async () => {
  let today = "2026-02-26T00:00:00.000Z";
  const put: string[] = [];
  const answer = await askedOnTime(
    (): Bounds => ({ from: today }),
    () => {
      put.push(today);
      today = "2026-02-25T00:00:00.000Z";
      return Promise.resolve(answered(`since ${put.at(-1)}`));
    },
  );
  expect(put).toEqual(["2026-02-26T00:00:00.000Z", "2026-02-25T00:00:00.000Z"]);
  expect(answer).toMatchObject({ body: `since ${today}`, requested: { from: today } });
});

it.each([
  [new Refusal("unreachable"), 5_000],
  [new Refusal("limited", null, 7), 7_000],
  [new Refusal("limited", null, 0), 1_000],
  [new Refusal("unavailable"), 5_000],
  [new Refusal("malformed"), false],
  [new Refusal("unauthorized"), false],
])("%s is asked again after %s", (refusal, pause) => {
  expect(retryPauseOf(refusal)).toBe(pause);
});
