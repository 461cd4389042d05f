// The footer: the exact range of the numbers as the API widened or shortened it, and what they are compared with.

import type { Summary } from "../../api/answers";
import { COMPARISONS } from "../../view/view";
import { useRangeFormats } from "../../view/ViewContext";
import { zoneOfDays } from "../../view/formats";

export function RangeNote({ summary }: { summary: Summary }) {
  const { range, comparison, generatedAt } = summary;
  const formats = useRangeFormats(range);
  return (
    <footer className="flex flex-wrap gap-x-4 gap-y-1 px-1 pt-1 text-xs text-muted">
      <span>
        {formats.range(range)}, by the {range.granularity}
        {range.granularity === "day" && ` of ${zoneOfDays(range)}`}
      </span>
      {comparison != null && (
        <span>
          Compared with {COMPARISONS[comparison.mode].toLowerCase()}:{" "}
          {formats.range({ ...range, granularity: "hour", from: comparison.from, to: comparison.to })}
        </span>
      )}
      <span>Answered {formats.exactly(generatedAt)}</span>
    </footer>
  );
}
