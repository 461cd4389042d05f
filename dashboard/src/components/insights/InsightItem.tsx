// One insight: its severity, its sentence, its evidence, and what to look at next.

import type { Insight } from "../../api/answers";
import { usePlace } from "../../view/ViewContext";
import { SeverityPill } from "../parts/SeverityPill";

export function InsightItem({ insight }: { insight: Insight }) {
  const { formats } = usePlace();
  const { from, to } = insight.period;
  const numbers = Object.entries(insight.numbers);
  return (
    <li className="py-3.5 first:pt-1">
      <div className="flex items-start justify-between gap-3">
        <h3 className="text-sm font-medium">{insight.title}</h3>
        <SeverityPill grade={insight.severity} />
      </div>
      <p className="mt-1 text-sm">{insight.sentence}</p>
      {numbers.length > 0 && (
        <dl className="mt-2 flex flex-wrap gap-x-5 gap-y-1.5">
          {numbers.map(([name, value]) => (
            <div key={name}>
              <dt className="text-xs text-muted">{labelOf(name)}</dt>
              <dd className="text-sm font-medium">
                {numberOf(name, value, formats.decimal, formats.duration)}
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p className="mt-2 text-xs text-muted">{formats.period(from, to)}</p>
      {insight.next !== "" && (
        <p className="mt-1.5 text-sm text-muted">
          <span className="font-medium text-ink">Next: </span>
          {insight.next}
        </p>
      )}
    </li>
  );
}

/** The units, by the ending of a number's name. */
const UNIT = /[_ ]?(ms|percent)$/i;

/** `previousValue` and `previous_value_ms` as words: Previous value. */
export function labelOf(name: string): string {
  const words = name
    .replace(UNIT, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll("_", " ")
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The number, with the unit that its name ends with, if any. */
function numberOf(
  name: string,
  value: number,
  decimal: (value: number) => string,
  duration: (milliseconds: number) => string,
): string {
  const unit = /^percent/i.test(name) ? "percent" : UNIT.exec(name)?.[1]?.toLowerCase();
  switch (unit) {
    case "ms":
      return duration(value);
    case "percent":
      return `${decimal(value)} %`;
    default:
      return decimal(value);
  }
}
