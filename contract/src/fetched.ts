// Writes protovalidate's definitions as a .proto file, from the package that npm fetched. Only what option values are
// compiled by: comments, the rules of the rules, and reserved numbers are left out.

import { isFieldSet } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { here } from "./buf.js";

/** The first number that no field may have. */
const NUMBERS_END = 536_870_912;

function field(proto: FieldDescriptorProto): string {
  const label = inOneof(proto) ? "" : `${String(FieldDescriptorProto_Label[proto.label]).toLowerCase()} `;
  const type = proto.typeName || String(FieldDescriptorProto_Type[proto.type]).toLowerCase();
  return `${label}${type} ${proto.name} = ${proto.number};`;
}

function inOneof(proto: FieldDescriptorProto): boolean {
  return isFieldSet(proto, FieldDescriptorProtoSchema.field.oneofIndex);
}

function block(head: string, lines: string[]): string {
  return `${head} {\n${lines.join("\n")}\n}`;
}

function enumeration(proto: EnumDescriptorProto): string {
  const values = proto.value.map((value) => `${value.name} = ${value.number};`);
  return block(`enum ${proto.name}`, values);
}

function message(proto: DescriptorProto): string {
  const oneofs = proto.oneofDecl.map(({ name }, index) => {
    const members = proto.field.filter((member) => inOneof(member) && member.oneofIndex === index);
    return block(`oneof ${name}`, members.map(field));
  });
  const ranges = proto.extensionRange.map(({ start, end }) => {
    return `extensions ${start} to ${end === NUMBERS_END ? "max" : end - 1};`;
  });
  const fields = proto.field.filter((member) => !inOneof(member)).map(field);
  const nested = [...proto.enumType.map(enumeration), ...proto.nestedType.map(message)];
  return block(`message ${proto.name}`, [...nested, ...fields, ...oneofs, ...ranges]);
}

/** `buf/validate/validate.proto`, as source. */
function source(): string {
  const { proto } = file_buf_validate_validate;
  if (proto.syntax !== "proto2" && proto.syntax !== "") {
    throw new Error(`protovalidate's definitions are ${proto.syntax} now; this writes proto2`);
  }
  const imports = proto.dependency.map((name) => `import "${name}";`);
  const extensions = proto.extension.map((extension) => {
    return block(`extend ${extension.extendee}`, [field(extension)]);
  });
  const types = [...proto.enumType.map(enumeration), ...proto.messageType.map(message)];
  const head = ['syntax = "proto2";', `package ${proto.package};`];
  return [...head, ...imports, ...extensions, ...types, ""].join("\n");
}

// Where the rules' workspace has it.
const path = here(`rules/fetched/${file_buf_validate_validate.proto.name}`);
mkdirSync(dirname(path), { recursive: true });
writeFileSync(path, source());
