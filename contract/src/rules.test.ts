// The rules beside the fields: the file is the contract otherwise, and the rules say what the decoder does.

import { clone, toJson, type DescFile } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, type DescriptorProto } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compiled, FILE } from "./buf.js";
import { agreement, AGREEMENT, judged, rules } from "./judge.js";

const RULES_ARE_OF = "buf/validate/validate.proto";

const records = judged();

/** Where a file's own first comment stands, in which the two files differ. */
const SYNTAX = "12";

function fileOf(registry: { getFile(name: string): DescFile | undefined }): DescFile {
  const found = registry.getFile(FILE);
  assert.ok(found, `${FILE} is compiled`);
  return found;
}

/** Everything that the file declares but rules, as JSON. */
function declared(file: DescFile): unknown {
  const proto = clone(FileDescriptorProtoSchema, file.proto);
  proto.dependency = proto.dependency.filter((name) => name !== RULES_ARE_OF);
  delete proto.sourceCodeInfo;
  proto.messageType.forEach(withoutRules);
  return toJson(FileDescriptorProtoSchema, proto);
}

function withoutRules(message: DescriptorProto): void {
  // The contract's fields have no other options.
  message.field.forEach((field) => delete field.options);
  message.nestedType.forEach(withoutRules);
}

/** The comments, by the path of what they are about. */
function comments(file: DescFile): Record<string, string> {
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  const commented = locations.filter(({ leadingComments }) => leadingComments !== "");
  const entries = commented.map(({ path, leadingComments }) => [path.join("."), leadingComments] as const);
  return Object.fromEntries(entries.filter(([path]) => path !== SYNTAX));
}

test("the file with rules is the contract, and nothing but rules is added", () => {
  const [plain, ruled] = [fileOf(compiled("../proto")), fileOf(rules)];
  assert.deepEqual(declared(ruled), declared(plain));
  assert.deepEqual(comments(ruled), comments(plain));
  assert.ok(Object.keys(comments(plain)).length > 10, "comments are compared");
});

test("the rules say of each record what it is expected to come to", () => {
  for (const { sample, violations } of records) {
    const admitted = violations.length === 0;
    assert.equal(admitted, sample.verdict !== "refused", `${sample.what}: ${violations.join("; ")}`);
  }
});

test("a record with one fault breaks one rule", () => {
  const refused = records.filter(({ violations }) => violations.length > 0);
  for (const { sample, violations } of refused) {
    assert.equal(violations.length, 1, `${sample.what}: ${violations.join("; ")}`);
  }
  assert.ok(refused.length > 80, `only ${refused.length} are refused`);
});

test("the decoder is tested with these records", () => {
  const stale = `run \`npm run agreement\`: ${AGREEMENT} is not what the rules say today`;
  assert.equal(readFileSync(AGREEMENT, "utf8"), agreement(records), stale);
});
