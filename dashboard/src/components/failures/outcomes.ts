// The icon and colour of each way in which a run fails; its words are `texts.failures.outcomes`. Pure.

import { CircleX, type LucideIcon, OctagonX } from "lucide-react";
import type { Failure } from "../../api/answers";

export const OUTCOMES: Readonly<Record<Failure["outcome"], { icon: LucideIcon; ink: string }>> = {
  FAILED: { icon: CircleX, ink: "text-bad" },
  FAILED_SAFETY_LIMIT: { icon: OctagonX, ink: "text-warning" },
};
