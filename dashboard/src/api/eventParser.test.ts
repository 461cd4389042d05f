// Event streams, whole and in pieces.

import { expect, it } from "vitest";
import { EventParser } from "./eventParser";

const STREAM =
  ': hello\n\nevent: version\nid: 7\ndata: {"version": 7}\n\ndata: a\ndata:b\r\n\r\nevent: empty\n\n';
const EVENTS = [
  { name: "version", id: "7", data: '{"version": 7}' },
  { name: "message", id: "7", data: "a\nb" },
];

it("gives the events of a stream, without comments and events without data", () => {
  expect(new EventParser().push(STREAM)).toEqual(EVENTS);
});

it("gives the same however the stream is cut", () => {
  for (let size = 1; size < STREAM.length; size += 1) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.push(STREAM.slice(at, at + size)));
    expect(events, `pieces of ${size}`).toEqual(EVENTS);
  }
});

it("doesn't keep lines without end", () => {
  expect(() => new EventParser().push("x".repeat(70_000))).toThrow(RangeError);
});
