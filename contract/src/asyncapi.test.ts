// asyncapi.yaml is valid, and describes the topics, messages and fields that records.proto has.

import { Parser } from "@asyncapi/parser";
import { fromJson, getOption, type DescField, type DescMessage } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { field as rulesOf } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FILE, here, PACKAGE, VALUES } from "./buf.js";
import { messageOf } from "./judge.js";

// What is read of the document. The parser has put what `$ref`s lead to in their place.
interface Schema {
  type?: string | string[];
  required?: string[];
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  [keyword: string]: unknown;
}
interface Message {
  name: string;
  contentType: string;
  headers: Schema;
  payload: Schema;
  examples?: { headers: Record<string, string>; payload: Record<string, never> }[];
}
interface Document {
  channels: Record<string, { address: string; messages: Record<string, Message> }>;
  operations: Record<string, { action: string; messages: Message[] }>;
  components: { schemas: Record<string, Schema> };
}

const path = here("asyncapi.yaml");
const parsed = await new Parser().parse(readFileSync(path, "utf8"), { source: path });
const document = parsed.document?.json() as Document;

/** Severities of the parser's diagnostics: 0 errors, 1 warnings; the rest is advice. */
const WARNING = 1;

/** The keywords of a field's schema that follow from the contract. */
function expected(field: DescField): Schema {
  const rules = getOption(field, rulesOf);
  if (field.fieldKind === "message") {
    const isTime = field.message.typeName === "google.protobuf.Timestamp";
    return isTime ? { type: "string", format: "date-time" } : { type: "object" };
  }
  if (field.fieldKind === "enum") {
    return {
      type: "string",
      enum: field.enum.values.filter(({ number }) => number !== 0).map(({ name }) => name),
    };
  }
  if (rules.type.case === "uint64") {
    const { lessThan } = rules.type.value;
    return { type: ["string", "integer"], maximum: Number(lessThan.value) };
  }
  const bytes = rules.type.case === "string" ? { maxLength: Number(rules.type.value.maxBytes) } : {};
  return { type: "string", ...bytes };
}

/** Holds a schema against the message that it describes, and those within. */
function hold(schema: Schema, message: DescMessage): void {
  const properties = schema.properties ?? {};
  const names = message.fields.map(({ jsonName }) => jsonName);
  assert.deepEqual(Object.keys(properties), names, message.name);
  const required = message.fields.filter((field) => getOption(field, rulesOf).required);
  const requiredNames = required.map(({ jsonName }) => jsonName);
  assert.deepEqual(schema.required ?? [], requiredNames, `${message.name}: what is required`);
  for (const field of message.fields) {
    const property = properties[field.jsonName] ?? {};
    const kept = ["type", "format", "enum", "maxLength", "maximum"].filter((keyword) => keyword in property);
    const described = Object.fromEntries(kept.map((keyword) => [keyword, property[keyword]]));
    assert.deepEqual(described, expected(field), `${message.name}.${field.jsonName}`);
    if (field.fieldKind === "message" && property.type === "object") {
      hold(property, field.message);
    }
  }
}

/** The topic of each message, as the comments of records.proto name it. */
function topics(): Map<string, string> {
  const contract = readFileSync(here(`../proto/proto/${FILE}`), "utf8");
  const found = contract.matchAll(/Topic: (\S+)\nmessage (\w+) \{/g);
  return new Map([...found].map(([, topic = "", message = ""]) => [message, topic]));
}

test("the document is valid AsyncAPI", () => {
  const wrong = parsed.diagnostics.filter(({ severity }) => severity <= WARNING);
  assert.deepEqual(wrong, []);
});

test("each topic has its message, as protobuf and as JSON, and is received", () => {
  const channels = Object.values(document.channels);
  assert.deepEqual(new Set(channels.map(({ address }) => address)), new Set(topics().values()));
  for (const { address, messages } of channels) {
    const [name = ""] = Object.keys(messages);
    assert.equal(topics().get(name), address);
    assert.deepEqual(Object.keys(messages), [name, `${name}AsJson`]);
    const [plain, json] = Object.values(messages) as [Message, Message];
    assert.deepEqual([plain.name, json.name], [`${PACKAGE}.${name}`, `${PACKAGE}.${name}`]);
    assert.deepEqual([plain.contentType, json.contentType], ["application/protobuf", "application/json"]);
    assert.equal(json.headers.anyOf?.length, Object.keys(json.headers.properties ?? {}).length);
  }
  const received = Object.values(document.operations).filter(({ action }) => action === "receive");
  assert.equal(received.flatMap(({ messages }) => messages).length, 2 * VALUES.length);
});

test("each message has the fields of the contract, with the limits of its rules", () => {
  for (const name of VALUES) {
    hold(document.components.schemas[name] ?? {}, messageOf(name));
  }
});

test("each example is a record that counts", () => {
  const validator = createValidator();
  let judged = 0;
  for (const { messages } of Object.values(document.channels)) {
    for (const { name, examples = [] } of Object.values(messages)) {
      const schema = messageOf(name.slice(PACKAGE.length + 1));
      for (const { payload } of examples) {
        const result = validator.validate(schema, fromJson(schema, payload));
        assert.equal(result.kind, "valid", `${name}: ${result.error}`);
        judged += 1;
      }
    }
  }
  assert.equal(judged, VALUES.length);
});
