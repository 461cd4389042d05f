// What the dialog of thresholds says once they are saved: what applies now, of those that were changed. Pure.

import type { ThresholdsOfAlert } from "../../api/answers";
import type { AllTexts } from "../../texts";
import type { Formats } from "../../view/formats";
import { alertTitle } from "../../view/kpiWords";
import { FIELDS } from "../../view/rowsThresholds";

export function savedIn(
  texts: AllTexts,
  formats: Formats,
  before: readonly ThresholdsOfAlert[],
  now: readonly ThresholdsOfAlert[],
): string {
  const { thresholds, trend } = texts;
  const told = now.map((alert) => {
    const old = before.find(({ key }) => key === alert.key);
    const limits = trend.limits[alert.better];
    const value = (field: "warning" | "critical") =>
      formats.quantity(valueOf(alert, field), {
        unit: alert.unit,
        decimals: decimalsOf(valueOf(alert, field)),
      }).text;
    const words = {
      warning: () => limits.warning(value("warning")),
      critical: () => limits.critical(value("critical")),
      leastSample: () =>
        `${thresholds.leastSample} ${formats.count(valueOf(alert, "leastSample"))} ${thresholds.samples[alert.kpi] ?? ""}`.trim(),
    };
    const changed = FIELDS.filter(
      (field) => old === undefined || valueOf(old, field) !== valueOf(alert, field),
    );
    return changed.length === 0
      ? null
      : `${alertTitle(texts, alert)} – ${changed.map((field) => words[field]()).join(", ")}`;
  });
  return thresholds.saved(told.filter((words) => words !== null).join("; "));
}

/** What applies: the organization's own, or the default. */
function valueOf(alert: ThresholdsOfAlert, field: (typeof FIELDS)[number]): number {
  return alert.own[field] ?? alert.default[field];
}

function decimalsOf(value: number): number {
  return Number.isInteger(value) ? 0 : 1;
}
