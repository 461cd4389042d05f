// The recorded answers of the pictures have the shape of real ones, so that a picture never shows what no API answers any more.

import { EMPTY_TOKEN, TOKEN } from "./expected";
import { recordingOf, type Scenario } from "./replay";
import { expect, test } from "./visit";

const SCENARIOS: Readonly<Record<Scenario, string>> = {
  week: TOKEN,
  day: TOKEN,
  month: TOKEN,
  empty: EMPTY_TOKEN,
};

/** A value's shape: members and their types; of a list those of all its items together; null fits anything. */
function shapeOf(value: unknown): unknown {
  if (value === null) return "null";
  if (Array.isArray(value)) return [merged(value.map(shapeOf))];
  if (typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]));
  }
  return typeof value;
}

function merged(shapes: readonly unknown[]): unknown {
  const objects = shapes.filter((shape) => typeof shape === "object" && shape !== null);
  if (objects.length === 0) return shapes.find((shape) => shape !== "null") ?? "null";
  return Object.assign({}, ...objects) as unknown;
}

/** Where one shape has what the other has not, as paths. */
function differences(one: unknown, other: unknown, path = ""): string[] {
  if (one === other || one === "null" || other === "null" || other === undefined || one === undefined)
    return [];
  if (typeof one !== "object" || typeof other !== "object") return [path];
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const names = Array.isArray(one) ? ["0"] : [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.flatMap((name) =>
    !Array.isArray(one) && name in left !== name in right
      ? [`${path}.${name}`]
      : differences(left[name], right[name], `${path}.${name}`),
  );
}

/** Members that are only there sometimes, by the contract. */
const SOMETIMES =
  /\.(exactFrom|channelsFrom|groupedFrom|incompleteSince|stale|comparedWith|delta\w+|numbers\.\w+)$/;

for (const [scenario, token] of Object.entries(SCENARIOS)) {
  test(`the answers recorded of the ${scenario} have the shape of today's`, async ({ request }) => {
    const { answers } = recordingOf(scenario as Scenario);
    for (const [question, { status, body }] of Object.entries(answers)) {
      const [method, address = ""] = question.split(" ");
      if (method !== "GET" || address.includes("/settings/")) continue;
      const answer = await request.get(address, { headers: { authorization: `Bearer ${token}` } });
      expect(answer.status(), question).toBe(status);
      const found = differences(shapeOf(body), shapeOf(await answer.json()));
      expect(
        found.filter((path) => !SOMETIMES.test(path)),
        question,
      ).toEqual([]);
    }
  });
}
