// Orders commands: by what they are about, or by how well they match a text. Pure.

import type { Command } from "../../view/commands";
import { folded } from "../../view/folded";

export const GROUPS = ["range", "metric", "compare", "zone", "panel", "work", "page"] as const;
export type Group = (typeof GROUPS)[number];

/** Of the ids' beginnings that aren't a group themselves; what panels register is "work". */
const PAGE = new Set(["page", "live", "theme", "language", "organization", "session", "keys"]);

/** What a command is about, by the beginning of its id: `range.today`. */
export function groupOf({ id }: Command): Group {
  const [beginning = ""] = id.split(".");
  return GROUPS.find((group) => group === beginning) ?? (PAGE.has(beginning) ? "page" : "work");
}

/** Groups whose commands come from all over the page, in an order that changes: they are listed by name. */
const LISTED_BY_NAME: ReadonlySet<Group> = new Set<Group>(["work", "page"]);

/** The commands of each group that has some; each id once. */
export function grouped(commands: readonly Command[]): [Group, readonly Command[]][] {
  const each = onlyOnce(commands);
  return GROUPS.map((group): [Group, readonly Command[]] => {
    const found = each.filter((command) => groupOf(command) === group);
    return [group, LISTED_BY_NAME.has(group) ? found.sort(byName) : found];
  }).filter(([, found]) => found.length > 0);
}

function byName(one: Command, other: Command): number {
  return one.label.localeCompare(other.label);
}

/** The commands that have all words of the text in their name or their group's, those that begin with it first. */
export function matching(
  text: string,
  commands: readonly Command[],
  groupNames: Readonly<Record<Group, string>>,
): readonly Command[] {
  const [wanted = ""] = folded(text);
  const words = wanted.split(" ");
  return onlyOnce(commands)
    .map((command) => {
      const names = folded(command.label);
      const all = [...names, ...folded(groupNames[groupOf(command)])].join(" ");
      return { command, score: scoreOf(wanted, words, names, all) };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ command }) => command);
}

function scoreOf(wanted: string, words: readonly string[], names: readonly string[], all: string): number {
  if (names.some((name) => name.startsWith(wanted))) return 4;
  if (names.some((name) => ` ${name}`.includes(` ${wanted}`))) return 3;
  if (words.every((word) => ` ${all}`.includes(` ${word}`))) return 2;
  return words.every((word) => all.includes(word)) ? 1 : 0;
}

function onlyOnce(commands: readonly Command[]): Command[] {
  return [...new Map(commands.map((command) => [command.id, command])).values()];
}
