// `buf breaking`, shown to find what would break producers, and to admit what doesn't.

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buf, FILE, here } from "./buf.js";

/** What `buf breaking` exits with if it found something. */
const FOUND = 100;

/** Compares the released contract, with one text replaced, to the released contract. */
function afterReplacing(before: string, after: string): { code: number | null; text: string } {
  const folder = mkdtempSync(join(tmpdir(), "contract-"));
  try {
    writeFileSync(join(folder, "buf.yaml"), readFileSync(here("../proto/buf.yaml")));
    const module = join(folder, "proto");
    cpSync(here("released"), module, { recursive: true });
    const file = join(module, FILE);
    const text = readFileSync(file, "utf8");
    assert.ok(text.includes(before), `the released contract has: ${before}`);
    writeFileSync(file, text.replace(before, after));
    return buf("breaking", folder, "--against", "released");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const BREAKING: [string, string, string][] = [
  ["a number of a field", "string organization_id = 2;", "string organization_id = 9;"],
  ["a type of a field", "uint64 execution_time_ms = 7;", "string execution_time_ms = 7;"],
  ["a name in JSON", "string workflow_name = 4;", "string workflow_title = 4;"],
  ["a field that is gone", "  string channel = 6;\n", ""],
  ["a value of an enum that is gone", "    STATUS_READ = 3;\n", ""],
  ["a body out of its oneof", "    OrganizationUpdated organization_updated = 12;\n  }", "  }"],
  ["the package in Go", "business-metrics/businessmetricsv1", "business-metrics/records"],
];

for (const [what, before, after] of BREAKING) {
  test(`${what} breaks producers`, () => {
    const { code, text } = afterReplacing(before, after);
    assert.equal(code, FOUND, text);
    assert.match(text, /records\.proto:\d+/);
  });
}

test("a new field, a new value and a new body break nobody", () => {
  const additions: [string, string][] = [
    ["  string channel = 6;", "  string channel = 6;\n  string provider = 7;"],
    ["    STATUS_FAILED = 4;", "    STATUS_FAILED = 4;\n    STATUS_BOUNCED = 5;"],
    ["organization_updated = 12;", "organization_updated = 12;\n    OrderCreated order_cancelled = 13;"],
  ];
  for (const [before, after] of additions) {
    const { code, text } = afterReplacing(before, after);
    assert.equal(code, 0, text);
  }
});
