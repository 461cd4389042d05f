// A notice about the page as a whole, such as old numbers or an unreachable API; nothing when all is well.

import type { Refusal } from "../../api/refusal";
import { retryPauseOf } from "../../view/questions";
import type { PageState } from "../../view/pageState";
import { usePlace } from "../../view/ViewContext";
import { useNow } from "../../view/useNow";
import { Notice } from "../parts/Notice";

interface PageNoticeProps {
  state: PageState;
  /** When the refusal came, in ms since 1970. */
  refusedAt: number;
  /** When the numbers shown were true, in ms since 1970; null if none are shown. */
  asOf: number | null;
  onRetry: () => void;
}

export function PageNotice({ state, refusedAt, asOf, onRetry }: PageNoticeProps) {
  const { change } = usePlace();
  const again = (words: string, act: () => void) => (
    <button type="button" className="control print:hidden" onClick={act}>
      {words}
    </button>
  );
  const retry = again("Try now", onRetry);
  switch (state.kind) {
    case "well":
    case "signedOut":
    case "noAccess":
      return null;
    case "stale":
      return (
        <Notice tone="warning" icon="clock" title="These are the last known numbers," action={retry}>
          about {Math.round(state.ageSeconds)} s old. The database doesn’t answer in time; nothing is lost,
          and counting goes on.
        </Notice>
      );
    case "unreachable":
      return (
        <Notice tone="bad" icon="unplugged" title="Connection lost." action={retry}>
          <Shown asOf={asOf} /> <Countdown refusal={state.refusal} since={refusedAt} />
        </Notice>
      );
    case "limited":
      return (
        <Notice tone="warning" icon="clock" title="Too many requests." action={retry}>
          This organization has used up its rate of requests. <Shown asOf={asOf} />{" "}
          <Countdown refusal={state.refusal} since={refusedAt} />
        </Notice>
      );
    case "unavailable":
      return (
        <Notice tone="bad" icon="octagon" title="The metrics can’t be read at the moment." action={retry}>
          <Shown asOf={asOf} /> <Countdown refusal={state.refusal} since={refusedAt} />
        </Notice>
      );
    case "partial":
      return (
        <Notice tone="warning" icon="triangle" title="Part of this page couldn’t be loaded." action={retry}>
          The rest is right. <Countdown refusal={state.refusal} since={refusedAt} />
        </Notice>
      );
    case "malformed":
      return (
        <Notice
          tone="warning"
          icon="triangle"
          title="This period can’t be shown."
          action={again("Show the last 24 hours", () =>
            change({ period: { preset: "24h" }, granularity: null }),
          )}
        >
          The API says: {state.refusal.detail ?? "the request can’t be understood"}.
        </Notice>
      );
  }
}

function Shown({ asOf }: { asOf: number | null }) {
  const { formats } = usePlace();
  return asOf === null ? null : <>These numbers are from {formats.clock(new Date(asOf))}.</>;
}

function Countdown({ refusal, since }: { refusal: Refusal; since: number }) {
  const now = useNow();
  const pause = retryPauseOf(refusal);
  if (pause === false) return null;
  const seconds = Math.max(0, Math.ceil((since + pause - now) / 1_000));
  return <span aria-hidden="true">{seconds === 0 ? "Trying again …" : `Trying again in ${seconds} s.`}</span>;
}
