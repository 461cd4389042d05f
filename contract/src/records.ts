// Records, and whether each counts: what is valid, and each thing that can be wrong with a field. Times are seconds.

import type { UnknownField } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";
import { VALUES } from "./buf.js";

/** A message's fields as `create` takes them. */
export type Content = Record<string, unknown>;

/** What becomes of a record, apart from the clock. The last of these can't be said by rules. */
export type Verdict = "counted" | "refused" | "refused by the decoder alone";

/** A record, and what is special about it. */
export interface Sample {
  what: string;
  type: (typeof VALUES)[number];
  content: Content;
  verdict: Verdict;
  /** Fields that the contract does not have. */
  unknown?: UnknownField[];
}

/** A valid record of one kind. The others are made of it by changing one field. */
interface Kind {
  name: string;
  type: Sample["type"];
  content: Content;
  /** Which of the message's texts may be how long, in bytes, and which must not be empty. */
  texts: { path: string; bytes: number; required: boolean }[];
  times: string[];
  /** Its enum, if it has one, with the numbers that it has beside 0. */
  enumeration?: { path: string; known: number[] };
}

const at = (seconds: bigint): Content => ({ seconds, nanos: 5 });
const NOW = at(1_772_020_000n);

const ID = { bytes: 256, required: true };
const OTHER_ID = { bytes: 256, required: false };
const NAME = { bytes: 512, required: false };
const ORGANIZATION = { path: "organizationId", bytes: 128, required: true };

function event(name: string, body: Content, rest: Pick<Kind, "texts" | "enumeration">): Kind {
  return {
    name,
    type: "Event",
    content: { eventId: "e1", organizationId: "acme", occurredAt: NOW, body },
    ...rest,
    texts: [{ path: "eventId", ...ID }, ORGANIZATION, ...rest.texts],
    times: ["occurredAt"],
  };
}

const KINDS: Kind[] = [
  event(
    "an order",
    { case: "orderCreated", value: { orderId: "o1" } },
    { texts: [{ path: "body.value.orderId", ...OTHER_ID }] },
  ),
  event(
    "a payment",
    { case: "paymentAttempted", value: { paymentId: "p1", outcome: 1 } },
    {
      texts: [{ path: "body.value.paymentId", ...OTHER_ID }],
      enumeration: { path: "body.value.outcome", known: [1, 2] },
    },
  ),
  event(
    "an update",
    { case: "organizationUpdated", value: { name: "Acme", planId: "plan_pro", planName: "pro" } },
    {
      texts: [
        { path: "body.value.name", ...NAME },
        { path: "body.value.planId", ...OTHER_ID },
        { path: "body.value.planName", ...NAME },
      ],
    },
  ),
  {
    name: "a run",
    type: "WorkflowTerminal",
    content: {
      executionId: "x1",
      organizationId: "acme",
      workflowId: "w1",
      workflowName: "Import",
      outcome: 2,
      finishedAt: NOW,
      executionTimeMs: 1_234n,
      errorMessage: "line 1\r\n\tline 2",
    },
    texts: [
      { path: "executionId", ...ID },
      ORGANIZATION,
      { path: "workflowId", ...OTHER_ID },
      { path: "workflowName", ...NAME },
    ],
    times: ["finishedAt"],
    enumeration: { path: "outcome", known: [1, 2, 3] },
  },
  {
    name: "a message",
    type: "MessageDelivery",
    content: {
      messageId: "m1",
      organizationId: "acme",
      status: 1,
      sentAt: NOW,
      occurredAt: NOW,
      channel: "email",
    },
    texts: [{ path: "messageId", ...ID }, ORGANIZATION],
    times: ["sentAt", "occurredAt"],
    enumeration: { path: "status", known: [1, 2, 3, 4] },
  },
];

/** The content with another value at a path such as `body.value.orderId`. */
function changed(content: Content, path: string, value: unknown): Content {
  const [first = "", ...rest] = path.split(".");
  const inner = content[first] as Content;
  return { ...content, [first]: rest.length === 0 ? value : changed(inner, rest.join("."), value) };
}

function sample(kind: Kind, what: string, path: string, value: unknown, verdict: Verdict): Sample {
  const { type, content, name } = kind;
  const field = path.split(".").at(-1);
  return { what: `${name}, ${field} ${what}`, type, content: changed(content, path, value), verdict };
}

function texts(kind: Kind): Sample[] {
  return kind.texts.flatMap(({ path, bytes, required }) => {
    const values: [string, string, Verdict][] = [
      ["empty", "", required ? "refused" : "counted"],
      ["as long as allowed", "a".repeat(bytes), "counted"],
      ["a byte too long", "a".repeat(bytes + 1), "refused"],
      ["short in characters and too long in bytes", "\u00e9".repeat(bytes / 2) + "a", "refused"],
      ["of many scripts", "Łódź ☕ 株式会社 🚀\u00a0\u200b", "counted"],
      ["with NUL", "a\0", "refused"],
      ["with a line break at its end", "a\n", "refused"],
      ["with DEL", "a\x7fb", "refused"],
      ["with a control character beyond ASCII", "a\u0085b", "refused"],
    ];
    return values.map(([what, value, verdict]) => sample(kind, what, path, value, verdict));
  });
}

function times(kind: Kind): Sample[] {
  const [first, last] = [-62_135_596_800n, 253_402_300_799n];
  return kind.times.flatMap((path) => {
    const values: [string, unknown, Verdict][] = [
      ["not set", undefined, "refused"],
      ["at the epoch", { seconds: 0n, nanos: 0 }, "counted"],
      ["at the first instant", { seconds: first, nanos: 0 }, "counted"],
      ["before the first instant", { seconds: first - 1n, nanos: 999_999_999 }, "refused"],
      ["at the last instant", { seconds: last, nanos: 999_999_999 }, "counted"],
      ["after the last instant", { seconds: last + 1n, nanos: 0 }, "refused"],
      ["with negative nanoseconds", { ...NOW, nanos: -1 }, "refused by the decoder alone"],
      ["with a second of nanoseconds", { ...NOW, nanos: 1_000_000_000 }, "refused by the decoder alone"],
    ];
    return values.map(([what, value, verdict]) => sample(kind, what, path, value, verdict));
  });
}

function enumerations(kind: Kind): Sample[] {
  if (kind.enumeration === undefined) {
    return [];
  }
  const { path, known } = kind.enumeration;
  return [...known, 0, -1, 99].map((number) => {
    return sample(kind, `${number}`, path, number, known.includes(number) ? "counted" : "refused");
  });
}

/** What is peculiar to runs, messages, and events without a body that this version knows. */
function peculiar(): Sample[] {
  const [order, , , run, message] = KINDS as [Kind, Kind, Kind, Kind, Kind];
  const year = 366n * 24n * 60n * 60n * 1_000n;
  // 2,000 characters are kept of an error message; what is cut off may be anything.
  const errors: [string, string, Verdict][] = [
    ["empty", "", "counted"],
    ["with NUL as its last character that is kept", "a".repeat(1_999) + "\0", "refused"],
    ["with NUL in what is cut off", "a".repeat(2_000) + "\0", "counted"],
    ["with NUL after 2,000 characters beyond 16 bits", "🚀".repeat(2_000) + "\0", "counted"],
    ["with a line break before a control character", "a\nb\u0085", "refused"],
  ];
  // Field 13 with one byte, as of a newer producer.
  const newer = { no: 13, wireType: WireType.LengthDelimited, data: new Uint8Array([1, 0]) };
  const none = { case: undefined };
  return [
    ...errors.map(([what, value, verdict]) => sample(run, what, "errorMessage", value, verdict)),
    sample(run, "0", "executionTimeMs", 0n, "counted"),
    sample(run, "of 366 days", "executionTimeMs", year, "counted"),
    sample(run, "over 366 days", "executionTimeMs", year + 1n, "refused"),
    sample(run, "of 64 bits", "executionTimeMs", 2n ** 64n - 1n, "refused"),
    sample(message, "empty", "channel", "", "counted"),
    sample(message, "too long for a name", "channel", "c".repeat(65), "counted"),
    sample(message, "with NUL", "channel", "a\0", "counted"),
    sample(order, "not set", "body", none, "counted"),
    { ...sample(order, "not known", "body", none, "counted"), unknown: [newer] },
  ];
}

/** All of them. */
export function samples(): Sample[] {
  const valid = KINDS.map((kind): Sample => {
    return { what: kind.name, type: kind.type, content: kind.content, verdict: "counted" };
  });
  const varied = KINDS.flatMap((kind) => [...texts(kind), ...times(kind), ...enumerations(kind)]);
  return [...valid, ...varied, ...peculiar()];
}
