// Each severity's word, icon and colours. Pure.

import type { Insight, Severity } from "../../api/answers";
import type { IconName } from "./icons";

export type Grade = Severity | Insight["severity"];

export const SEVERITIES: Readonly<
  Record<Grade, { word: string; icon: IconName; ink: string; tint: string }>
> = {
  healthy: { word: "Healthy", icon: "circleCheck", ink: "text-good", tint: "bg-good-tint" },
  info: { word: "Note", icon: "info", ink: "text-info", tint: "bg-info-tint" },
  warning: { word: "Warning", icon: "triangle", ink: "text-warning", tint: "bg-warning-tint" },
  critical: { word: "Critical", icon: "octagon", ink: "text-bad", tint: "bg-bad-tint" },
};
