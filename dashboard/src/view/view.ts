// The view, which the address holds: what is shown, of when, and compared with what. Pure.

import type { Comparing, ComparingQuery, Granularity, RangeQuery, WorkflowSort } from "../api/answers";
import { boundsOf, DEFAULT_PRESET, isPreset, type Period } from "./period";
import { UTC, zoneNamed } from "./zone";

/** What the workflows' table can be sorted by. */
export const SORTS = [
  "name",
  "runs",
  "failures",
  "failure_rate",
  "avg_execution_time_ms",
  "p95_execution_time_ms",
] as const satisfies readonly WorkflowSort[];

export const COMPARISONS = [
  "previous_period",
  "previous_week",
  "previous_month",
  "previous_year",
  "none",
] as const satisfies readonly Comparing[];

const DEFAULT_SORT: WorkflowSort = "failures";
const DEFAULT_COMPARING: Comparing = "previous_period";

export interface View {
  period: Period;
  /** An IANA name; always one that Intl knows. */
  zone: string;
  /** Null leaves it to the API: hours up to three days, then days. */
  granularity: Granularity | null;
  compare: Comparing;
  /** The key of the KPI that was chosen for the chart; null if none was: `metricIn` says which one it shows. */
  metric: string | null;
  /** The id of the workflow that chart, workflow health and failures are of; null for all. */
  workflow: string | null;
  /** What the workflows' table is sorted by. */
  sort: WorkflowSort;
}

/** The key of the KPI for the chart. Without a choice the first one; of a workflow, the first one that workflows have. */
export function metricIn({ metric, workflow }: Pick<View, "metric" | "workflow">): string {
  return metric ?? (workflow === null ? "orders_created" : "workflow_failure_rate");
}

/** The parameters of the page's address. */
export const PARAMETERS = [
  "range",
  "from",
  "to",
  "timezone",
  "granularity",
  "compare",
  "metric",
  "workflow",
  "sort",
] as const;
export type Parameter = (typeof PARAMETERS)[number];
export type Parameters = Readonly<Record<Parameter, string | null>>;

/** What a person should know of how the view came about. */
export type Note =
  /** Of the address: a parameter whose value can't be used; its default is. */
  | { kind: "parameter"; parameter: Parameter; given: string }
  /** Of the system: its zone isn't known; UTC is used. */
  | { kind: "systemZone"; given: string }
  /** Of the system: none of its languages is known; the numbers are written as in the page's language. */
  | { kind: "systemLanguage"; given: string };

/** Reads an address. A part that is missing gets its default; one that is wrong, too, and a note. The zone's default is `system`. */
export function readView(given: Parameters, system: string): { view: View; notes: readonly Note[] } {
  const notes: Note[] = [];
  const read = <T>(parameter: Parameter, fallback: T, understood: (text: string) => T | null): T => {
    const text = given[parameter];
    if (text === null) return fallback;
    const value = understood(text);
    if (value === null) notes.push({ kind: "parameter", parameter, given: text });
    return value ?? fallback;
  };
  const view: View = {
    period: readPeriod(given, notes) ?? {
      preset: read("range", DEFAULT_PRESET, (text) => (isPreset(text) ? text : null)),
    },
    zone: read("timezone", system, zoneNamed),
    granularity: read("granularity", null, oneOf(["hour", "day"])),
    compare: read("compare", DEFAULT_COMPARING, oneOf(COMPARISONS)),
    metric: read("metric", null, named),
    workflow: read("workflow", null, named),
    sort: read("sort", DEFAULT_SORT, oneOf(SORTS)),
  };
  return { view, notes };
}

/** The address that `readView` reads as this view, in any browser: the zone is always in it, other defaults aren't. */
export function writeView(view: View): Parameters {
  const { period } = view;
  const unless = <T extends string>(fallback: T, value: T) => (value === fallback ? null : value);
  return {
    range: "preset" in period ? unless(DEFAULT_PRESET, period.preset) : null,
    from: "preset" in period ? null : period.from,
    to: "preset" in period ? null : period.to,
    timezone: view.zone,
    granularity: view.granularity,
    compare: unless(DEFAULT_COMPARING, view.compare),
    metric: view.metric,
    workflow: view.workflow,
    sort: unless(DEFAULT_SORT, view.sort),
  };
}

/** The same as the query of an address. */
export function searchOf(view: View): string {
  const set = Object.entries(writeView(view)).filter((entry): entry is [string, string] => entry[1] !== null);
  // These need no escape in a query; with one, a person can't read them.
  return `?${new URLSearchParams(set).toString().replaceAll("%3A", ":").replaceAll("%2F", "/")}`;
}

/** The parameters of a question to the API at `now`. */
export function parametersOf(view: View, now: Date): RangeQuery {
  return {
    ...boundsOf(view.period, view.zone, now),
    granularity: view.granularity ?? undefined,
    timezone: view.zone === UTC ? undefined : view.zone,
  };
}

/** The same for questions whose answers compare. */
export function comparingParametersOf(view: View, now: Date): ComparingQuery {
  const compare = view.compare === DEFAULT_COMPARING ? undefined : view.compare;
  return { ...parametersOf(view, now), compare };
}

/** The interval that `from` and `to` name; null, and perhaps a note, if they name none. */
function readPeriod(given: Parameters, notes: Note[]): Period | null {
  const { from, to } = given;
  if (from === null && to === null) return null;
  const bounds = [from, to].map((text) => (text === null ? Number.NaN : Date.parse(text)));
  const wrong = bounds.findIndex(Number.isNaN);
  if (wrong !== -1) {
    const parameter = wrong === 0 ? "from" : "to";
    notes.push({ kind: "parameter", parameter, given: given[parameter] ?? "" });
    return null;
  }
  const [start, end] = bounds.sort((a, b) => a - b).map((time) => new Date(time).toISOString());
  return { from: start ?? "", to: end ?? "" };
}

function oneOf<const T extends string>(names: readonly T[]): (text: string) => T | null {
  return (text) => names.find((name) => name === text) ?? null;
}

function named(text: string): string | null {
  return text.trim() === "" ? null : text;
}
