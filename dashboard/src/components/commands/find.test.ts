// Which commands a text finds, and in which order.

import { expect, it } from "vitest";
import type { Command } from "../../view/commands";
import { type Group, grouped, groupOf, matching } from "./find";

const GROUP_NAMES: Readonly<Record<Group, string>> = {
  range: "Period",
  metric: "In the chart",
  compare: "Compared with",
  zone: "Time zone",
  panel: "Go to",
  work: "Numbers",
  page: "Page",
};

const command = (id: string, label: string): Command => ({ id, label, run: () => {} });
const COMMANDS = [
  command("theme.dark", "Appearance: Dark"),
  command("range.last-week", "Last week"),
  command("range.week", "This week"),
  command("compare.previous_week", "a week before"),
  command("trend.csv", "Orders created: Save as CSV"),
  command("zone.UTC", "UTC"),
  command("language.de", "Language: Deutsch"),
];
const found = (text: string) => matching(text, COMMANDS, GROUP_NAMES).map(({ id }) => id);

it.each([
  ["last", ["range.last-week"]],
  ["week", ["range.last-week", "range.week", "compare.previous_week"]],
  ["period week", ["range.last-week", "range.week"]],
  ["csv", ["trend.csv"]],
  ["orders csv", ["trend.csv"]],
  ["DARK", ["theme.dark"]],
  ["eutsch", ["language.de"]],
  ["time zone", ["zone.UTC"]],
  ["nothing", []],
])("%s finds %o", (text, ids) => {
  expect(found(text)).toEqual(ids);
});

it("groups by the id's beginning, in the menu's order, each id once", () => {
  const groups = grouped([...COMMANDS, command("zone.UTC", "UTC")]);
  expect(groups.map(([group, commands]) => `${group}: ${commands.length}`)).toEqual([
    "range: 2",
    "compare: 1",
    "zone: 1",
    "work: 1",
    "page: 2",
  ]);
  expect(groupOf(command("deliveries.csv", ""))).toBe("work");
  const [, page] = groups.find(([group]) => group === "page") ?? [];
  expect(page?.map(({ label }) => label)).toEqual(["Appearance: Dark", "Language: Deutsch"]);
});
