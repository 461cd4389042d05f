// Chooses what the numbers are compared with, and says which dates that is.

import { ChevronDown, GitCompareArrows } from "lucide-react";
import { useId, useMemo, useRef } from "react";
import type { Comparing, Comparison, Interval } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { useCommands } from "../../view/commands";
import { namedFor, namedIn } from "../../view/comparing";
import { isWholeDays } from "../../view/period";
import { COMPARISONS } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { openSelect } from "./openSelect";

interface CompareSelectProps {
  /** That of the answer; null before the first, or if nothing is compared. */
  comparison: Comparison | null;
  /** The range of the answer; null before it. */
  range: Interval | null;
}

export function CompareSelect({ comparison, range }: CompareSelectProps) {
  const { view, formats, change } = usePlace();
  const { commands, controls } = useTexts();
  const id = useId();
  const select = useRef<HTMLSelectElement>(null);
  useCommands(
    useMemo(
      () => [
        {
          id: "compare.open",
          label: commands.chooseComparison,
          keys: "v",
          icon: GitCompareArrows,
          run: () => openSelect(select.current),
        },
      ],
      [commands],
    ),
  );
  // While the next answer is loaded, the dates are still those of the last one.
  const answered = comparison?.mode === view.compare ? comparison : null;
  const previous = answered?.previous ?? null;
  const dates =
    previous === null
      ? ""
      : formats.range({ ...previous, granularity: isWholeDays(previous, view.zone) ? "day" : "hour" });
  return (
    <>
      <label className="control relative min-w-0 pr-0" title={dates}>
        <GitCompareArrows className="text-muted" />
        <span className="font-normal text-muted md:max-lg:sr-only">{controls.comparedWith}</span>
        <select
          ref={select}
          className="h-full min-w-0 grow appearance-none bg-transparent pr-7 outline-none"
          value={view.compare}
          aria-describedby={id}
          onChange={(event) => change({ compare: event.target.value as Comparing })}
        >
          {COMPARISONS.map((mode) => (
            <option key={mode} value={mode} className="bg-raised text-ink">
              {controls.comparisons[mode === answered?.mode ? namedIn(answered) : namedFor(mode, range)]}
            </option>
          ))}
        </select>
        <ChevronDown className="pointer-events-none absolute right-2.5 text-muted" />
      </label>
      <span id={id} className="sr-only">
        {dates}
      </span>
    </>
  );
}
