// What protovalidate says of records, by the rules beside the fields.

import { create, toBinary, type DescMessage } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { compiled, here, PACKAGE } from "./buf.js";
import { samples, type Sample } from "./records.js";

/** Where the decoder's test reads the records. */
export const AGREEMENT = here("../consumer/tests/vectors/rules.txt");

/** The contract with its rules. */
export const rules = compiled("rules");

/** A message of the contract, by its name in the package. */
export function messageOf(name: string): DescMessage {
  const found = rules.getMessage(`${PACKAGE}.${name}`);
  if (found === undefined) {
    throw new Error(`the contract has no ${name}`);
  }
  return found;
}

/** A record, judged. */
export interface Judged {
  sample: Sample;
  bytes: Uint8Array;
  /** What is wrong with it; empty if the rules admit it. */
  violations: string[];
}

/** Judges all records. */
export function judged(): Judged[] {
  const validator = createValidator();
  return samples().map((sample) => {
    const schema = messageOf(sample.type);
    const record = create(schema, sample.content);
    record.$unknown = sample.unknown ?? [];
    const { kind, violations, error } = validator.validate(schema, record);
    // A rule that fails on a value, such as a time that CEL has no number for, doesn't admit it.
    const wrong = kind === "invalid" ? violations.map(String) : kind === "error" ? [String(error)] : [];
    return { sample, bytes: toBinary(schema, record), violations: wrong };
  });
}

/** The records as the decoder's test reads them. */
export function agreement(records: Judged[]): string {
  const head = [
    "# Made by `npm run agreement` in contract/.",
    "# label | message type | verdict | protobuf bytes",
  ];
  const lines = records.map(({ sample, bytes }) => {
    return [sample.what, sample.type, sample.verdict, Buffer.from(bytes).toString("hex")].join(" | ");
  });
  return [...head, ...lines, ""].join("\n");
}
