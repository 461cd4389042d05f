// The direction of imports: no file imports in a circle, and no room (folder) imports a room that uses it.

import { posix } from "node:path";
import { expect, it } from "vitest";

/** Each name with the names it imports. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

const SOURCES = import.meta.glob<string>("./**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const RELATIVE_IMPORT = /(?:\bfrom|\bimport|\bimport\()\s*"(\.[^"]+)"/g;

it("no file imports in a circle", () => {
  expect(circleIn(importsOf(SOURCES))).toBeNull();
});

it("no room imports a room that uses it", () => {
  expect(circleIn(roomsOf(importsOf(SOURCES)))).toBeNull();
});

it("every relative import is resolved", () => {
  const imports = importsOf({
    "./a/one.tsx": 'import { two } from "./two";\nimport type { Three } from "../three";',
    "./a/two.ts": 'export { x } from "../b";',
    "./three.ts": 'import "./styles.css";\nconst late = import("./a/two");',
    "./b/index.ts": 'import { useState } from "react";',
  });
  expect([...imports].map(([file, targets]) => `${file}: ${[...targets].join(", ")}`)).toEqual([
    "a/one.tsx: a/two.ts, three.ts",
    "a/two.ts: b/index.ts",
    "three.ts: a/two.ts",
    "b/index.ts: ",
  ]);
  expect(() => importsOf({ "./one.ts": 'import { two } from "./two";' })).toThrow("./two");
});

it("a circle is found and named", () => {
  const files = importsOf({
    "./a/one.ts": 'import "../b/two";',
    "./b/two.ts": 'import "../b/three";',
    "./b/three.ts": 'import "../a/one";',
    "./a/one.test.ts": 'import "./one";',
  });
  expect(circleIn(files)).toBe("a/one.ts -> b/two.ts -> b/three.ts -> a/one.ts");
  expect(circleIn(roomsOf(files))).toBe("a -> b -> a");
});

/** The relative imports between modules, types included; what isn't a module (a style sheet) is left out. */
function importsOf(sources: Readonly<Record<string, string>>): Graph {
  const files = new Map(Object.entries(sources).map(([path, text]) => [posix.normalize(path), text]));
  const importsIn = (file: string, text: string) =>
    [...text.matchAll(RELATIVE_IMPORT)]
      .map(([, path]) => path ?? "")
      .filter((path) => !path.endsWith(".css"))
      .map((path) => resolve(file, path, files));
  return new Map([...files].map(([file, text]) => [file, new Set(importsIn(file, text))]));
}

function resolve(file: string, path: string, files: ReadonlyMap<string, string>): string {
  const target = posix.join(posix.dirname(file), path);
  const candidates = [".ts", ".tsx", "/index.ts", "/index.tsx"].map((ending) => target + ending);
  const found = candidates.find((candidate) => files.has(candidate));
  if (found === undefined) throw new Error(`${file} imports ${path}, which is no file`);
  return found;
}

/** The imports between folders. Tests may import any room: nothing imports them. */
function roomsOf(files: Graph): Graph {
  const rooms = new Map<string, Set<string>>();
  for (const [file, targets] of files) {
    if (file.includes(".test.")) continue;
    const room = posix.dirname(file);
    const used = rooms.get(room) ?? new Set();
    rooms.set(room, used);
    for (const target of targets) if (posix.dirname(target) !== room) used.add(posix.dirname(target));
  }
  return rooms;
}

/** The first circle found, as `a -> b -> a`; null when there is none. */
function circleIn(graph: Graph): string | null {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string | null => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name].join(" -> ");
    if (done.has(name)) return null;
    for (const target of graph.get(name) ?? []) {
      const circle = visit(target, [...path, name]);
      if (circle !== null) return circle;
    }
    done.add(name);
    return null;
  };
  for (const name of graph.keys()) {
    const circle = visit(name, []);
    if (circle !== null) return circle;
  }
  return null;
}
