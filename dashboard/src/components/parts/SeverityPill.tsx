// A severity as an icon and a word. Only exceptions are flagged: nothing is drawn for what is healthy.

import { useTexts } from "../../texts/TextsContext";
import { type Grade, SEVERITIES } from "./severity";

export function SeverityPill({ grade }: { grade: Grade }) {
  const { common } = useTexts();
  if (grade === "healthy") return null;
  const { icon: Icon, ink, tint } = SEVERITIES[grade];
  return (
    <span
      className={`inline-flex shrink-0 items-center gap-1 rounded-full px-1.5 py-0.5 text-xs font-medium ${tint} ${ink}`}
    >
      <Icon className="size-3.5" />
      {/* On a narrow card only the icon is visible; its shape names the severity. */}
      <span className="@max-[15rem]:sr-only">{common.severities[grade]}</span>
    </span>
  );
}
