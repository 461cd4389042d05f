// A severity, as icon and word.

import { Icon } from "./icons";
import { type Grade, SEVERITIES } from "./severity";

export function SeverityPill({ grade }: { grade: Grade }) {
  const { word, icon, ink, tint } = SEVERITIES[grade];
  const ground = grade === "healthy" ? "" : `${tint} px-1.5`;
  return (
    <span
      className={`inline-flex shrink-0 items-center gap-1 rounded-full py-0.5 text-xs font-medium ${ground} ${ink}`}
    >
      <Icon name={icon} className="size-3.5" />
      {word}
    </span>
  );
}
