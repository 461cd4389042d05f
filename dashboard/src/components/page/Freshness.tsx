// How fresh the numbers are: when they were fetched, and through when they are complete.

import { usePlace } from "../../view/ViewContext";
import { useNow } from "../../view/useNow";
import { Icon } from "../parts/icons";

interface FreshnessProps {
  /** When the oldest of the answers shown was true, in ms since 1970; null before the first. */
  asOf: number | null;
  /** Undefined if the API doesn't send it, null if a partition has never been read. */
  completeThrough: string | null | undefined;
  /** Buckets before this instant are approximate; undefined if none is. */
  exactFrom: string | undefined;
  fetching: boolean;
  onRefresh: () => void;
}

export function Freshness({ asOf, completeThrough, exactFrom, fetching, onRefresh }: FreshnessProps) {
  return (
    <>
      {/* As wide as it will be, so that nothing moves when the answer arrives. */}
      <p className="mr-1 text-xs text-muted max-sm:basis-full sm:min-w-72 sm:text-right">
        <Exactness from={exactFrom} />
        <Completeness through={completeThrough} />
        {asOf !== null && <Age asOf={asOf} />}
      </p>
      <button
        type="button"
        className="control px-2 print:hidden"
        onClick={onRefresh}
        aria-disabled={fetching}
      >
        <Icon name="refresh" className={fetching ? "animate-spin" : ""} />
        <span className="sr-only">Refresh</span>
      </button>
    </>
  );
}

/** Hours that were counted before quarters of an hour were kept are shared out whole in zones that are off by 30 or 45 minutes. */
function Exactness({ from }: { from: string | undefined }) {
  const { formats } = usePlace();
  if (from === undefined) return null;
  return (
    <>
      Approximate before{" "}
      <time
        dateTime={from}
        title="In this time zone, records before this instant are counted by whole hours of UTC, up to 45 minutes off."
        className="font-medium text-ink"
      >
        {formats.exactly(from)}
      </time>
      {" · "}
    </>
  );
}

function Completeness({ through }: { through: string | null | undefined }) {
  const { formats } = usePlace();
  if (through === undefined) return null;
  if (through === null) return <>Not complete yet · </>;
  return (
    <>
      Complete through{" "}
      <time dateTime={through} title={formats.exactly(through)} className="font-medium text-ink">
        {formats.clock(through)}
      </time>
      {" · "}
    </>
  );
}

function Age({ asOf }: { asOf: number }) {
  const { formats } = usePlace();
  const now = useNow();
  const at = new Date(asOf);
  return (
    <span className="inline-block min-w-28 whitespace-nowrap">
      Updated{" "}
      <time dateTime={at.toISOString()} title={formats.exactly(at)}>
        {agoOf(now - asOf)}
      </time>
    </span>
  );
}

/** How long ago, in the largest unit that fits. */
export function agoOf(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  if (seconds < 1) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3_600)} h ago`;
}
