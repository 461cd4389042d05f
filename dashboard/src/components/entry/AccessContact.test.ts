// Where a contact leads.

import { expect, it } from "vitest";
import { addressOf } from "./AccessContact";

it.each([
  ["metrics@example.com", "mailto:metrics@example.com"],
  ["https://wiki.example.com/metrics", "https://wiki.example.com/metrics"],
  ["the platform team, room 3", null],
  ["Ann Example <ann@example.com>", null],
  ["javascript:alert(1)", null],
  ["javascript:alert(1)//@example.com", null],
  ["http://wiki.example.com", null],
  ["a@b?cc=c@d", null],
])("%s", (contact, address) => {
  expect(addressOf(contact)).toBe(address);
});

it("an e-mail begins with what is asked for", () => {
  const letter = { subject: "Access & more", body: "1\n2" };
  expect(addressOf("a@b.example", letter)).toBe("mailto:a@b.example?subject=Access%20%26%20more&body=1%0A2");
  expect(addressOf("https://wiki.example.com", letter)).toBe("https://wiki.example.com");
});
