// The alerts: how many, the worst of them, and where each leads. Nothing while no figure is beyond its threshold.

import { ChevronDown } from "lucide-react";
import { lazy, useState } from "react";
import type { Summary } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { alertTitle } from "../../view/kpiWords";
import { usePlace } from "../../view/ViewContext";
import { Float } from "../parts/Float";
import { Later } from "../parts/Later";
import { SEVERITIES } from "../parts/severity";

const AlertList = lazy(async () => ({ default: (await import("./AlertList")).AlertList }));

type Alerted = Pick<Summary, "alerts" | "systemHealth" | "kpis">;

export function MetricAlertBadge({ summary }: { summary: Alerted }) {
  const { formats } = usePlace();
  const texts = useTexts();
  const [open, setOpen] = useState(false);
  const { alerts, systemHealth } = summary;
  const worst = alerts.find(({ severity }) => severity === systemHealth.status) ?? alerts[0];
  if (worst === undefined) return null;
  const { icon: Icon, ink, tint } = SEVERITIES[worst.severity];
  const others = alerts.length - 1;
  return (
    <Float
      label={texts.page.alertsHead}
      align="end"
      className="w-96 p-4"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button
          type="button"
          data-alerts={alerts.length}
          className={`inline-flex h-8 max-w-full min-w-0 items-center gap-1.5 rounded-full px-3 text-sm font-medium pointer-coarse:h-10 ${tint} ${ink}`}
        >
          <Icon />
          <span aria-hidden="true" className="sm:hidden">
            {formats.count(alerts.length)}
          </span>
          <span className="whitespace-nowrap max-sm:sr-only">{texts.page.alerts(alerts.length)}</span>
          <span className="hidden min-w-0 truncate font-normal lg:inline">
            {alertTitle(texts, worst)}
            {others > 0 && `, ${texts.common.plus(others)}`}
          </span>
          <ChevronDown className="size-3.5 print:hidden" />
        </button>
      }
    >
      <Later>
        <AlertList summary={summary} onFollow={() => setOpen(false)} />
      </Later>
    </Float>
  );
}
