// How long runs took: the mean, and within which time half of them, and almost all, had ended.

import type { Runs } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { usePlace } from "../../view/ViewContext";

export function ExecutionTimes({ runs }: { runs: Runs }) {
  const { formats } = usePlace();
  const { workflows } = useAllTexts();
  const estimate = (time: number | null) => (time === null ? null : formats.estimate(time));
  const times = [
    { name: workflows.mean, time: formats.duration(runs.avgExecutionTimeMs), isEstimate: false },
    { name: workflows.half, time: estimate(runs.p50ExecutionTimeMs), isEstimate: true },
    { name: workflows.within(95), time: estimate(runs.p95ExecutionTimeMs), isEstimate: true },
    { name: workflows.within(99), time: estimate(runs.p99ExecutionTimeMs), isEstimate: true },
  ];
  return (
    <dl className="mt-2.5 flex flex-wrap gap-x-6 gap-y-1 text-sm" aria-label={workflows.times}>
      {times.map(({ name, time, isEstimate }) =>
        time === null ? null : (
          <div
            key={name}
            className="flex items-baseline gap-1.5"
            title={isEstimate ? workflows.estimated : undefined}
          >
            <dt className="text-muted">{name}</dt>
            <dd className="font-medium">{time}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
