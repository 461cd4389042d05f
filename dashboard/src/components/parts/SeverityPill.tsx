// A severity as an icon and a word.

import { Icon } from "./icons";
import { type Grade, SEVERITIES } from "./severity";

export function SeverityPill({ grade }: { grade: Grade }) {
  const { word, icon, ink, tint } = SEVERITIES[grade];
  // "Healthy" is drawn less prominently.
  const look = grade === "healthy" ? "text-muted" : `${tint} px-1.5 ${ink}`;
  return (
    <span
      className={`inline-flex shrink-0 items-center gap-1 rounded-full py-0.5 text-xs font-medium ${look}`}
    >
      <Icon name={icon} className={`size-3.5 ${ink}`} />
      {/* On a narrow card only the icon is visible; its shape names the severity. */}
      <span className="@max-[13.5rem]:sr-only">{word}</span>
    </span>
  );
}
