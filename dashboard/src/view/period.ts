// The period the page shows: a preset that moves with the clock, or a fixed interval. Pure.

import { dayStart } from "./zone";

export const PRESETS = {
  today: "Today",
  yesterday: "Yesterday",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  "90d": "Last 90 days",
} as const;

export type Preset = keyof typeof PRESETS;
export type Period = { preset: Preset } | { from: string; to: string };

export const DEFAULT_PRESET: Preset = "24h";

/** The bounds to ask for; a missing bound leaves the API its default (`to` now, `from` a day before). */
export interface Bounds {
  from?: string;
  to?: string;
}

export function isPreset(name: string | null): name is Preset {
  return name !== null && Object.hasOwn(PRESETS, name);
}

/** The period's bounds at `now`. Days begin at the zone's midnight; "7 days" are today and the six days before. */
export function boundsOf(period: Period, zone: string, now: Date): Bounds {
  if (!("preset" in period)) return period;
  const day = (offset: number) => dayStart(zone, now, offset).toISOString();
  switch (period.preset) {
    case "today":
      return { from: day(0) };
    case "yesterday":
      return { from: day(-1), to: day(0) };
    case "24h":
      return {};
    case "7d":
      return { from: day(-6) };
    case "30d":
      return { from: day(-29) };
    case "90d":
      return { from: day(-89) };
  }
}
