// Addresses of runs: which are taken, and what is made of them.

import { describe, expect, it } from "vitest";
import { complaintAbout, runAddress } from "./rowsLinks";

const TEMPLATE = "https://runs.example.com/{workflowId}/{executionId}";
const RUN = { executionId: "e1", workflowId: "w1" };

it.each([
  [TEMPLATE, null],
  ["https://runs.example.com:8443/r?id={executionId}#{organizationId}", null],
  ["https://[2001:db8::1]/{executionId}", null],
  ["", "scheme"],
  ["http://runs.example.com/{executionId}", "scheme"],
  ["HTTPS://runs.example.com/{executionId}", "scheme"],
  ["javascript:alert(1)//{executionId}", "scheme"],
  ["https://runs.example.com/{executionId} ", "blanks"],
  ["https://runs.example.com\\@evil.example/{executionId}", "blanks"],
  ["https://{workflowId}/{executionId}", "host"],
  ["https://runs.example.com{executionId}", "host"],
  ["https:///{executionId}", "address"],
  ["https://user@runs.example.com/{executionId}", "address"],
  ["https://runs.example.com:port/{executionId}", "address"],
  ["https://runs.example.com/{workflowId}", "needed"],
  ["https://runs.example.com/{execution}", "placeholders"],
  ["https://runs.example.com/{executionId", "placeholders"],
  ["https://runs.example.com/{{executionId}}", "placeholders"],
  [`https://runs.example.com/{executionId}${"x".repeat(2_048)}`, "long"],
])("%s: %s", (template, complaint) => {
  expect(complaintAbout(template)).toBe(complaint);
});

describe("the address of a run", () => {
  it("has its ids in place of the placeholders", () => {
    expect(runAddress(TEMPLATE, RUN, "acme")).toBe("https://runs.example.com/w1/e1");
    expect(runAddress("https://a.example/?o={organizationId}&e={executionId}", RUN, "a/b")).toBe(
      "https://a.example/?o=a%2Fb&e=e1",
    );
  });

  it.each(["../../admin", "a/b?c#d", "{workflowId}", "%2e%2e", "ä \ud800", "//evil.example", "a@b:c\\d"])(
    "keeps %o in its place",
    (executionId) => {
      const address = new URL(runAddress(TEMPLATE, { ...RUN, executionId }, "acme") ?? "");
      expect(address.origin).toBe("https://runs.example.com");
      expect(address.pathname.split("/")).toHaveLength(3);
      expect(address.search + address.hash).toBe("");
      expect(decodeURIComponent(address.pathname.split("/")[2] ?? "")).toBe(
        executionId.replace("\ud800", "\ufffd"),
      );
    },
  );

  it.each([".", "..", ""])("isn't made of %o, which no encoding keeps in its place", (executionId) => {
    expect(runAddress(TEMPLATE, { ...RUN, executionId }, "acme")).toBeNull();
  });

  it("isn't made of an address that shouldn't be there", () => {
    expect(runAddress("javascript:{executionId}", RUN, "acme")).toBeNull();
  });
});
