// A notice about the page as a whole, such as old numbers or an unreachable API; nothing when all is well.

import { Clock, type LucideIcon, OctagonAlert, TriangleAlert, Unplug } from "lucide-react";
import { serverTimeOf } from "../../api/serverClock";
import type { Refusal } from "../../api/refusal";
import { useTexts } from "../../texts/TextsContext";
import { retryPauseOf } from "../../view/questions";
import type { PageState } from "../../view/pageState";
import { usePlace } from "../../view/ViewContext";
import { useNow } from "../../view/useNow";
import { Notice } from "../parts/Notice";

interface PageNoticeProps {
  state: PageState;
  /** When the refusal came, in ms since 1970 by the browser's clock. */
  refusedAt: number;
  /** When the numbers shown were true, by the same clock; null if none are shown. */
  asOf: number | null;
  onRetry: () => void;
}

export function PageNotice({ state, refusedAt, asOf, onRetry }: PageNoticeProps) {
  const { change, formats } = usePlace();
  const { page } = useTexts();
  const { trouble } = page;
  const again = (words: string, act: () => void) => (
    <button type="button" className="control print:hidden" onClick={act}>
      {words}
    </button>
  );
  const troubled = (tone: "warning" | "bad", icon: LucideIcon, title: string, refusal: Refusal, why = "") => (
    <Notice tone={tone} icon={icon} title={title} action={again(trouble.tryNow, onRetry)}>
      {why} {asOf !== null && trouble.numbersFrom(formats.dated(new Date(serverTimeOf(asOf))))}{" "}
      <Countdown refusal={refusal} since={serverTimeOf(refusedAt)} />
    </Notice>
  );
  switch (state.kind) {
    case "well":
    case "signedOut":
    case "noAccess":
      return null;
    case "stale":
      return (
        <Notice tone="warning" icon={Clock} title={trouble.stale} action={again(trouble.tryNow, onRetry)}>
          {trouble.staleWhy(formats.ago(state.ageSeconds * 1_000))}
        </Notice>
      );
    case "unreachable":
      return troubled("bad", Unplug, trouble.unreachable, state.refusal);
    case "limited":
      return troubled("warning", Clock, trouble.limited, state.refusal, trouble.limitedWhy);
    case "unavailable":
      return troubled("bad", OctagonAlert, trouble.unavailable, state.refusal);
    case "malformed":
      return (
        <Notice
          tone="warning"
          icon={TriangleAlert}
          title={trouble.malformed}
          action={again(trouble.showUsual, () => change({ period: { preset: "24h" }, granularity: null }))}
        >
          {trouble.malformedWhy(state.refusal.detail ?? trouble.malformedUnknown)}
        </Notice>
      );
  }
}

/** `since` is by the server's clock, as `useNow` is. */
function Countdown({ refusal, since }: { refusal: Refusal; since: number }) {
  const { page } = useTexts();
  const now = useNow();
  const pause = retryPauseOf(refusal);
  if (pause === false) return null;
  const seconds = Math.max(0, Math.ceil((since + pause - now) / 1_000));
  return (
    <span aria-hidden="true">
      {seconds === 0 ? page.trouble.tryingAgain : page.trouble.tryingAgainIn(seconds)}
    </span>
  );
}
