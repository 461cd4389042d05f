// The keys of the presets: small letters for periods that go on, capitals for those that are over.

import type { Preset } from "../../view/period";

export const PRESET_KEYS: Readonly<Record<Preset, string>> = {
  today: "d",
  yesterday: "y",
  "24h": "h",
  week: "w",
  "last-week": "W",
  "7d": "s",
  "30d": "t",
  month: "m",
  "last-month": "M",
  quarter: "q",
  "last-quarter": "Q",
  "90d": "n",
};
