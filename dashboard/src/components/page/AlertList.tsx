// The list of alerts: each with its numbers, and where it leads.

import type { Alert, Summary } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { alertTitle, kpiName } from "../../view/kpiWords";
import { alertSentence } from "../../view/rowsAlerts";
import { followAlert } from "../../view/rowsFollow";
import { usePlace } from "../../view/ViewContext";
import { SeverityPill } from "../parts/SeverityPill";
import { ViewLink } from "../parts/ViewLink";
import { ThresholdsButton } from "../thresholds/ThresholdsButton";

interface AlertListProps {
  summary: Pick<Summary, "alerts" | "kpis">;
  onFollow: () => void;
}

export function AlertList({ summary: { alerts, kpis }, onFollow }: AlertListProps) {
  const { page } = useAllTexts();
  return (
    <>
      <h2 className="text-sm font-semibold">{page.alertsHead}</h2>
      <ul className="mt-2 divide-y divide-line">
        {alerts.map((alert) => (
          <AlertItem key={alert.key} alert={alert} kpis={kpis} onFollow={onFollow} />
        ))}
      </ul>
      <div className="mt-3 empty:hidden">
        <ThresholdsButton />
      </div>
    </>
  );
}

interface AlertItemProps {
  alert: Alert;
  kpis: Summary["kpis"];
  onFollow: () => void;
}

/** An alert leads to the chart of its figure. */
function AlertItem({ alert, kpis, onFollow }: AlertItemProps) {
  const { formats } = usePlace();
  const texts = useAllTexts();
  const kpi = kpis.find(({ key }) => key === alert.kpi);
  return (
    <li className="@container py-3 first:pt-1 last:pb-0">
      <div className="flex items-center justify-between gap-3">
        <h3 className="text-sm font-medium">
          <ViewLink
            to={followAlert(alert)}
            {...(kpi && { title: texts.insights.show(kpiName(texts, kpi)) })}
            onFollow={onFollow}
            className="underline decoration-line-strong underline-offset-3 hover:decoration-current"
          >
            {alertTitle(texts, alert)}
          </ViewLink>
        </h3>
        <SeverityPill grade={alert.severity} />
      </div>
      <p className="mt-1 text-sm text-muted">{alertSentence(texts, formats, alert, kpi)}</p>
    </li>
  );
}
