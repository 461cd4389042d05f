// Chooses the period to compare with. The page shows it only if the API compares.

import type { Comparing } from "../../api/answers";
import { COMPARISONS } from "../../view/view";
import { usePlace } from "../../view/ViewContext";
import { Icon } from "../parts/icons";

export function CompareSelect() {
  const { view, change } = usePlace();
  return (
    <label className="control relative pr-0">
      <Icon name="compare" className="text-muted" />
      <span className="sr-only">Compared with</span>
      <select
        className="h-full appearance-none bg-transparent pr-7 outline-none"
        value={view.compare}
        onChange={(event) => change({ compare: event.target.value as Comparing })}
      >
        {Object.entries(COMPARISONS).map(([mode, words]) => (
          <option key={mode} value={mode} className="bg-raised text-ink">
            {words}
          </option>
        ))}
      </select>
      <Icon name="chevron" className="pointer-events-none absolute right-2.5 size-3.5 text-muted" />
    </label>
  );
}
