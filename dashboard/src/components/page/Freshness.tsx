// How fresh the numbers are: through when they are complete, and how long ago that is. Flagged when it is old.

import { TriangleAlert } from "lucide-react";
import type { Range } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { freshnessIn, freshnessOf } from "../../view/freshness";
import { useNow } from "../../view/useNow";
import { usePlace } from "../../view/ViewContext";

/** An age is told in minutes. */
const PAUSE_MS = 5_000;

interface FreshnessProps {
  /** Null if a partition has never been read. */
  completeThrough: string | null;
  range: Range;
}

export function Freshness({ completeThrough, range }: FreshnessProps) {
  const { formats } = usePlace();
  const texts = useTexts();
  const now = useNow(PAUSE_MS);
  const state = freshnessOf(completeThrough, range, now);
  const [told] = freshnessIn(texts, state);
  if (state.kind === "incomplete") {
    return (
      <p data-freshness title={texts.page.notCompleteWhy} className="flex items-center gap-1.5 text-warning">
        <TriangleAlert className="size-3.5" />
        {told}
      </p>
    );
  }
  const time = (words: string) => (
    <time data-part="complete" dateTime={state.through} title={formats.exactly(state.through)}>
      {words}
    </time>
  );
  if (state.kind === "complete") return <p data-freshness>{time(told)}</p>;
  const words = (
    <>
      {told} {time(formats.dated(state.through, new Date(now)))}
    </>
  );
  const age = formats.ago(state.ageMs);
  return state.old ? (
    <p
      data-freshness
      data-old
      role="status"
      className="flex items-center gap-1.5 rounded-full bg-warning-tint px-2 font-medium text-warning"
    >
      <TriangleAlert className="size-3.5" />
      <span>
        {words}, {age}
      </span>
    </p>
  ) : (
    <p data-freshness>
      {words}, {age}
    </p>
  );
}
