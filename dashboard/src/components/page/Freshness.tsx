// How fresh the numbers are: through when they are complete, and how long ago that is. Flagged when it is old.

import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import type { Range } from "../../api/answers";
import { useTexts } from "../../texts/TextsContext";
import { freshnessIn, freshnessOf } from "../../view/freshness";
import { useNow } from "../../view/useNow";
import { usePlace } from "../../view/ViewContext";
import { Float } from "../parts/Float";

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
  const exactly = formats.exactly(state.through);
  const time = (words: string) => (
    <time data-part="complete" dateTime={state.through} title={`${exactly}\n${texts.page.completeWhy}`}>
      {words}
    </time>
  );
  if (state.kind === "complete") return <Explained>{time(told)}</Explained>;
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
    <Explained>
      {words}, {age}
    </Explained>
  );
}

/**
 * A click says what "complete" means: late records are still to come. It appears with the answer, so the room for a finger
 * reaches beyond the line and moves nothing.
 */
function Explained({ children }: { children: ReactNode }) {
  const { page } = useTexts();
  return (
    <Float
      label={page.complete}
      align="end"
      className="w-72 p-3 text-sm"
      trigger={
        <button
          type="button"
          data-freshness
          className="underline decoration-dotted underline-offset-2 hover:text-ink pointer-coarse:-my-2.5 pointer-coarse:py-2.5 print:no-underline"
          title={page.completeWhy}
        >
          {children}
        </button>
      }
    >
      <p>{page.completeWhy}</p>
    </Float>
  );
}
