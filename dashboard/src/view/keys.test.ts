// What pressed keys mean, on keyboards of several countries.

import { describe, expect, it } from "vitest";
import { keyNames, shortcutsOf } from "./keyNames";
import { keyOf, keysAfter, PAUSE_MAX_MS, type Pressed } from "./keys";

const pressed = (key: string, part: Partial<Pressed> = {}): Pressed => ({
  key,
  code: "",
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  altGraph: false,
  ...part,
});

it.each<[string, Pressed, string | null]>([
  ["a letter", pressed("d", { code: "KeyD" }), "d"],
  ["a letter with Shift", pressed("D", { code: "KeyD", shiftKey: true }), "D"],
  ["a letter with Caps Lock", pressed("D", { code: "KeyD" }), "d"],
  ["a letter with both", pressed("d", { code: "KeyD", shiftKey: true }), "D"],
  ["a digit", pressed("1", { code: "Digit1" }), "1"],
  ["a bracket", pressed("[", { code: "BracketLeft" }), "["],
  [
    "a bracket of a German keyboard",
    pressed("[", { code: "Digit8", ctrlKey: true, altKey: true, altGraph: true }),
    "[",
  ],
  ["the key at the bracket's place on a German keyboard", pressed("ü", { code: "BracketLeft" }), "["],
  ["a letter at a bracket's place", pressed("l", { code: "BracketRight" }), "l"],
  ["with Ctrl", pressed("d", { ctrlKey: true }), null],
  ["with Cmd", pressed("d", { metaKey: true }), null],
  ["with Alt", pressed("d", { altKey: true }), null],
  ["no character", pressed("ArrowLeft"), null],
  ["a blank, which presses buttons", pressed(" "), null],
])("%s", (_, press, key) => {
  expect(keyOf(press)).toBe(key);
});

describe("keys one after the other", () => {
  const known = new Set(["d", "g c", "g g", "c"]);
  const nothing = { complete: null, begun: null };

  it("are complete with the last", () => {
    const first = keysAfter(null, "g", 0, known);
    expect(first).toEqual({ complete: null, begun: { keys: "g", at: 0 } });
    expect(keysAfter(first.begun, "c", 500, known)).toEqual({ complete: "g c", begun: null });
  });

  it("stand for themselves after a pause, or if they don't belong together", () => {
    const begun = { keys: "g", at: 0 };
    expect(keysAfter(begun, "c", PAUSE_MAX_MS + 1, known)).toEqual({ complete: "c", begun: null });
    expect(keysAfter(begun, "d", 500, known)).toEqual({ complete: "d", begun: null });
    expect(keysAfter(begun, "x", 500, known)).toEqual(nothing);
  });

  it("begin anew where one may begin", () => {
    const begun = { keys: "g", at: 0 };
    expect(keysAfter(begun, "g", 500, known)).toEqual({ complete: "g g", begun: null });
    expect(keysAfter(begun, "g", PAUSE_MAX_MS + 1, known)).toEqual({
      complete: null,
      begun: { keys: "g", at: PAUSE_MAX_MS + 1 },
    });
  });

  it("mean nothing if no command has them", () => {
    expect(keysAfter(null, "x", 0, known)).toEqual(nothing);
  });
});

it.each([
  ["g", ["G"]],
  ["G", ["⇧", "G"]],
  ["g c", ["G", "C"]],
  ["[", ["["]],
  ["?", ["?"]],
  ["1", ["1"]],
])("%s is shown as %s", (keys, names) => {
  expect(keyNames(keys)).toEqual(names);
});

it.each([
  ["g", "G"],
  ["G", "Shift+G"],
  ["g c", undefined],
  [undefined, undefined],
])("%s is told as %s", (keys, shortcuts) => {
  expect(shortcutsOf(keys)).toBe(shortcuts);
});
