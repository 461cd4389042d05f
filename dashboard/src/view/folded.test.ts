// Texts as a search compares them.

import { expect, it } from "vitest";
import { folded } from "./folded";

it.each([
  ["New York", ["new york"]],
  ["America/New_York", ["america new york"]],
  ["São Paulo", ["sao paulo"]],
  ["München", ["munchen", "muenchen"]],
  ["Straßburg", ["strassburg"]],
  ["Łódź", ["lodz"]],
  ["Xi’an", ["xi an"]],
  ["  UTC+5:30 ", ["utc+5:30"]],
  ["東京", ["東京"]],
  ["–", [""]],
])("%s is compared as %o", (text, compared) => {
  expect(folded(text)).toEqual(compared);
});
