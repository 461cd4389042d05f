// Execution times of runs: the mean, and the percentiles if the API sends them.

import type { Runs } from "../../api/answers";
import { usePlace } from "../../view/ViewContext";

export function ExecutionTimes({ runs }: { runs: Runs }) {
  const { formats } = usePlace();
  const times = [
    ["Mean", runs.avgExecutionTimeMs],
    ["p50", runs.p50ExecutionTimeMs],
    ["p95", runs.p95ExecutionTimeMs],
    ["p99", runs.p99ExecutionTimeMs],
  ] as const;
  return (
    <dl
      className="mt-3 mb-1 flex flex-wrap gap-x-6 gap-y-1 border-t border-line pt-3 text-sm"
      aria-label="Execution time"
    >
      {times.map(([name, time]) =>
        time == null ? null : (
          <div key={name} className="flex items-baseline gap-1.5">
            <dt className="text-xs text-muted">{name}</dt>
            <dd className="font-medium">{formats.duration(time)}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
