// The page's questions to the API, each a hook: asked anew when the view changes, when live mode says so, and after a
// failure that may pass.

import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { usePlace } from "../view/ViewContext";
import { comparingParametersOf, parametersOf, type View } from "../view/view";
import type { Envelope, Insights, Summary, Trends, WorkflowHealth } from "./answers";
import { type Answer, ask, type Parameters } from "./ask";
import { type LiveState } from "./follow";
import { useLive } from "./live";
import type { Refusal } from "./refusal";
import { useSession } from "./session";

/** Failures on one page of the list. */
const FAILURES_PER_PAGE = 10;
/** How soon a question is repeated after a failure that may pass, unless the API says when. */
const RETRY_PAUSE_MS = 5_000;
/** In live mode without a stream, this is how live it gets. */
const POLL_PAUSE_MS = 10_000;
/** With a stream: a bucket may end, and the numbers be complete through a later instant, though nothing is counted. */
const LIVE_PAUSE_MS = 30_000;

export type Asked<Body> = UseQueryResult<Answer<Body>, Refusal>;

export function useSummary(): Asked<Summary> {
  return useQuestion("/metrics/summary", comparingParametersOf);
}

export function useTrends(): Asked<Trends> {
  return useQuestion("/metrics/trends", comparingParametersOf);
}

export function useInsights(): Asked<Insights> {
  return useQuestion("/metrics/insights", parametersOf);
}

/** `sort` chooses which workflows are listed, where there are more than the API lists. */
export function useWorkflowHealth(sort: string): Asked<WorkflowHealth> {
  return useQuestion("/metrics/workflow-health", parametersOf, { sort, limit: String(FAILURES_PER_PAGE) });
}

/** The page of failures that begins at `cursor`; nothing is asked while that is null. */
export function useFailures(cursor: string | null): Asked<WorkflowHealth> {
  const further = { limit: String(FAILURES_PER_PAGE), cursor: cursor ?? undefined };
  return useQuestion("/metrics/workflow-health", parametersOf, further, cursor !== null);
}

function useQuestion<Body extends Envelope>(
  path: string,
  parametersAt: (view: View, now: Date) => Parameters,
  further: Parameters = {},
  enabled = true,
): Asked<Body> {
  const { token } = useSession();
  const { view } = usePlace();
  const { state } = useLive();
  return useQuery<Answer<Body>, Refusal>({
    queryKey: [path, view, further],
    queryFn: ({ signal }) =>
      ask(path, { ...parametersAt(view, new Date()), ...further }, token ?? "", signal),
    placeholderData: keepPreviousData,
    enabled: enabled && token !== null,
    // A failure is shown at once and asked about again in the open, not hidden behind silent repeats.
    retry: false,
    networkMode: "always",
    refetchInterval: ({ state: { error } }) => (error === null ? pauseOf(state) : retryPauseOf(error)),
  });
}

/** How long until a question that was refused is asked again, in ms; never, where waiting changes nothing. */
export function retryPauseOf(refusal: Refusal): number | false {
  if (!refusal.passes) return false;
  return refusal.retryAfterSeconds === null ? RETRY_PAUSE_MS : Math.max(1, refusal.retryAfterSeconds) * 1_000;
}

function pauseOf({ state }: LiveState): number | false {
  switch (state) {
    case "off":
      return false;
    case "live":
      return LIVE_PAUSE_MS;
    case "connecting":
    case "waiting":
    case "unavailable":
      return POLL_PAUSE_MS;
  }
}
