// The system's health, and the alerts that explain it: the health is the worst of their severities.

import type { Alert, Summary } from "../../api/answers";
import { Float } from "../parts/Float";
import { Icon } from "../parts/icons";
import { SEVERITIES } from "../parts/severity";
import { SeverityPill } from "../parts/SeverityPill";

export function MetricAlertBadge({ summary }: { summary: Pick<Summary, "alerts" | "systemHealth"> }) {
  const { alerts, systemHealth } = summary;
  const { word, icon, ink, tint } = SEVERITIES[systemHealth.status];
  const worst = alerts.find((alert) => alert.severity === systemHealth.status);
  return (
    <Float
      label="Why the system has this health"
      align="end"
      className="w-96 p-4"
      trigger={
        <button
          type="button"
          className={`inline-flex h-8 max-w-full min-w-0 items-center gap-1.5 rounded-full px-3 text-sm font-medium ${tint} ${ink}`}
        >
          <Icon name={icon} />
          <span className="sr-only">System health: </span>
          {word}
          {worst !== undefined && (
            <span className="hidden min-w-0 truncate font-normal lg:inline">
              {worst.title}
              {alerts.length > 1 && `, and ${alerts.length - 1} more`}
            </span>
          )}
          <Icon name="chevron" className="size-3.5" />
        </button>
      }
    >
      <h2 className="text-sm font-semibold">System health</h2>
      {alerts.length === 0 ? (
        <p className="mt-1 text-sm text-muted">No figure is beyond its threshold in this period.</p>
      ) : (
        <ul className="mt-2 divide-y divide-line">
          {alerts.map((alert) => (
            <AlertItem key={alert.key} alert={alert} />
          ))}
        </ul>
      )}
    </Float>
  );
}

function AlertItem({ alert }: { alert: Alert }) {
  return (
    <li className="py-3 first:pt-1 last:pb-0">
      <div className="flex items-center justify-between gap-3">
        <h3 className="text-sm font-medium">{alert.title}</h3>
        <SeverityPill grade={alert.severity} />
      </div>
      <p className="mt-1 text-sm text-muted">{alert.message}.</p>
    </li>
  );
}
