// A severity, as icon and word.

import { Icon } from "./icons";
import { type Grade, SEVERITIES } from "./severity";

export function SeverityPill({ grade }: { grade: Grade }) {
  const { word, icon, ink, tint } = SEVERITIES[grade];
  // What is well steps back.
  const look = grade === "healthy" ? "text-muted" : `${tint} px-1.5 ${ink}`;
  return (
    <span
      className={`inline-flex shrink-0 items-center gap-1 rounded-full py-0.5 text-xs font-medium ${look}`}
    >
      <Icon name={icon} className={`size-3.5 ${ink}`} />
      {/* Where there is no room the shape of the icon tells. */}
      <span className="@max-[13.5rem]:sr-only">{word}</span>
    </span>
  );
}
