// The footer: which parts of which ranges are compared, and when the answer was made.

import type { Interval, Overview } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import { generatedAtOf } from "../../view/overview";
import { usePlace } from "../../view/ViewContext";

export function Footer({ overview }: { overview: Overview }) {
  const { formats } = usePlace();
  const { footer } = useAllTexts();
  const { range, comparison, exactFrom } = overview.summary;
  return (
    <footer className="flex flex-wrap gap-x-4 gap-y-1 px-1 pt-1 text-xs text-muted">
      <span>
        <Span name="range" interval={range} />
      </span>
      {comparison !== null && (
        <span>
          {footer.comparedPart} <Span name="compared-now" interval={comparison.current} /> {footer.withPart}{" "}
          <Span name="compared" interval={comparison.previous} />
        </span>
      )}
      {exactFrom !== undefined && (
        <span title={footer.approximateWhy}>
          {footer.approximate} <time dateTime={exactFrom}>{formats.exactly(exactFrom)}</time>
        </span>
      )}
      <span>
        {footer.answered} {formats.exactly(generatedAtOf(overview))}
      </span>
    </footer>
  );
}

/** An interval as two moments; days and years are written where they differ. */
function Span({ name, interval: { from, to } }: { name: string; interval: Interval }) {
  const { formats } = usePlace();
  return (
    <span className="whitespace-nowrap">
      <time data-part={`${name}-from`} dateTime={from}>
        {formats.moment(from)}
      </time>
      {" – "}
      <time data-part={`${name}-to`} dateTime={to}>
        {formats.moment(to)}
      </time>
    </span>
  );
}
