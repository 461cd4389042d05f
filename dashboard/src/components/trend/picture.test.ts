// What is written under the picture of the chart.

import { expect, it } from "vitest";
import { trends } from "../../testing/answers";
import { de } from "../../texts/de";
import { en } from "../../texts/en";
import { formatsOf } from "../../view/formats";
import { footerOf } from "./picture";

const NOW = new Date("2026-02-25T02:42:08.000Z");
const { range } = trends();
const speech = { texts: en, formats: formatsOf("en-GB", "UTC", en.formats) };
const german = { texts: de, formats: formatsOf("de-DE", "UTC", de.formats) };

it("says of a period that is over what the page says", () => {
  const over = { range, completeThrough: "2026-02-25T03:00:00.000Z", empty: null };
  expect(footerOf({ ...over, speech }, NOW)).toBe("Complete");
  expect(footerOf({ ...over, speech: german }, NOW)).toBe("Vollständig");
  const late = { ...over, empty: "Nothing counted before Wed, 25 Feb" };
  expect(footerOf({ ...late, speech }, NOW)).toBe("Complete  ·  Nothing counted before Wed, 25 Feb");
});

it("says of one that goes on through when it is complete, with the date", () => {
  const on = { range, completeThrough: "2026-02-25T02:42:07.000Z", empty: null };
  expect(footerOf({ ...on, speech }, NOW)).toMatch(/^Complete through 25 February 2026.*02:42:07/);
  expect(footerOf({ ...on, completeThrough: null, speech }, NOW)).toBe("Not complete yet");
});
