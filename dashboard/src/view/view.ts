// The view, which the address holds: period, zone, bucket width, comparison. Pure.

import type { Comparing, ComparingQuery, Granularity, RangeQuery } from "../api/answers";
import { boundsOf, DEFAULT_PRESET, isPreset, type Period } from "./period";
import { isZone, UTC } from "./zone";

export const COMPARISONS: Readonly<Record<Comparing, string>> = {
  previous_period: "Previous period",
  previous_week: "Previous week",
  previous_year: "Previous year",
  none: "No comparison",
};

export interface View {
  period: Period;
  zone: string;
  /** Null leaves it to the API: hours up to three days, then days. */
  granularity: Granularity | null;
  compare: Comparing;
}

/** Reads an address's query. A part that is missing or wrong gets its default; the zone's default is `local`. */
export function readView(search: string, local: string): View {
  const query = new URLSearchParams(search);
  const zone = query.get("timezone");
  const granularity = query.get("granularity");
  const compare = query.get("compare");
  return {
    period: readPeriod(query),
    zone: zone !== null && isZone(zone) ? zone : local,
    granularity: granularity === "hour" || granularity === "day" ? granularity : null,
    compare: isComparing(compare) ? compare : "previous_period",
  };
}

/** The query that `readView` reads as this view; defaults are left out. */
export function writeView(view: View, local: string): string {
  const query = new URLSearchParams();
  const { period } = view;
  if (!("preset" in period)) {
    query.set("from", period.from);
    query.set("to", period.to);
  } else if (period.preset !== DEFAULT_PRESET) {
    query.set("range", period.preset);
  }
  if (view.zone !== local) query.set("timezone", view.zone);
  if (view.granularity !== null) query.set("granularity", view.granularity);
  if (view.compare !== "previous_period") query.set("compare", view.compare);
  return query.size === 0 ? "" : `?${query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/")}`;
}

/** The parameters of a question to the API at `now`. */
export function parametersOf(view: View, now: Date): RangeQuery {
  return {
    ...boundsOf(view.period, view.zone, now),
    granularity: view.granularity ?? undefined,
    timezone: view.zone === UTC ? undefined : view.zone,
  };
}

/** The same for the two questions whose answers compare. */
export function comparingParametersOf(view: View, now: Date): ComparingQuery {
  const compare = view.compare === "previous_period" ? undefined : view.compare;
  return { ...parametersOf(view, now), compare };
}

function readPeriod(query: URLSearchParams): Period {
  const [from, to, preset] = [query.get("from"), query.get("to"), query.get("range")];
  if (from !== null && to !== null) {
    const bounds = [from, to].map((text) => Date.parse(text)).sort((a, b) => a - b);
    const [start, end] = bounds;
    if (start !== undefined && end !== undefined && !bounds.some(Number.isNaN)) {
      return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
    }
  }
  return { preset: isPreset(preset) ? preset : DEFAULT_PRESET };
}

function isComparing(name: string | null): name is Comparing {
  return name !== null && Object.hasOwn(COMPARISONS, name);
}
