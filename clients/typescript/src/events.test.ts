// Event streams, whole and in pieces.

import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "./events.js";

const STREAM =
  ': hello\n\nevent: version\nid: 7\ndata: {"version": 7}\n\ndata: a\ndata:b\r\n\r\nevent: empty\n\n';
const EVENTS = [
  { name: "version", id: "7", data: '{"version": 7}' },
  { name: "message", id: "7", data: "a\nb" },
];

test("gives the events of a stream, without comments and events without data", () => {
  assert.deepEqual(new EventParser().push(STREAM), EVENTS);
});

test("gives the same however the stream is cut", () => {
  for (let size = 1; size < STREAM.length; size += 1) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
    assert.deepEqual(events, EVENTS, `pieces of ${size}`);
  }
});

test("doesn't keep lines without end", () => {
  assert.throws(() => new EventParser().push("x".repeat(70_000)), RangeError);
});
