// Each severity's icon and colours; its word is `texts.common.severities`. Pure.

import { CircleCheck, Info, type LucideIcon, OctagonAlert, TriangleAlert } from "lucide-react";
import type { Insight, Severity } from "../../api/answers";

export type Grade = Severity | Insight["severity"];

export const SEVERITIES: Readonly<Record<Grade, { icon: LucideIcon; ink: string; tint: string }>> = {
  healthy: { icon: CircleCheck, ink: "text-good", tint: "bg-good-tint" },
  info: { icon: Info, ink: "text-info", tint: "bg-info-tint" },
  warning: { icon: TriangleAlert, ink: "text-warning", tint: "bg-warning-tint" },
  critical: { icon: OctagonAlert, ink: "text-bad", tint: "bg-bad-tint" },
};
