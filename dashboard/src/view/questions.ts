// The page's questions to the API, each a hook. A question is asked again when the view changes, when live mode says
// so, and after a failure that may pass.

import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { usePlace } from "./ViewContext";
import { comparingParametersOf, parametersOf, type View } from "./view";
import type { Insights, Summary, Trends, WorkflowHealth, WorkflowSort } from "../api/answers";
import { type Answer, ask, type Question } from "../api/ask";
import { type LiveState } from "../api/follow";
import { useLive } from "../api/live";
import type { Refusal } from "../api/refusal";
import { useSession } from "../api/session";

/** Failures on one page of the list. */
const FAILURES_PER_PAGE = 10;
/** The pause before a question is repeated after a failure that may pass, unless the API names one. */
const RETRY_PAUSE_MS = 5_000;
/** The pause between refreshes in live mode while there is no stream. */
const POLL_PAUSE_MS = 10_000;
/** The same with a stream: buckets end, and `completeThrough` moves on, even if nothing is counted. */
const LIVE_PAUSE_MS = 30_000;

export type Asked<Body> = UseQueryResult<Answer<Body>, Refusal>;

export function useSummary(): Asked<Summary> {
  return useQuestion(["summary"], (view) => {
    const query = comparingParametersOf(view, new Date());
    return (client, signal) => client.get("/metrics/summary", { query, signal });
  });
}

export function useTrends(): Asked<Trends> {
  return useQuestion(["trends"], (view) => {
    const query = comparingParametersOf(view, new Date());
    // Of the whole organization: only with a workflow the answer would be of that.
    return (client, signal) => client.get("/metrics/trends", { query, signal }) as Promise<Answer<Trends>>;
  });
}

export function useInsights(): Asked<Insights> {
  return useQuestion(["insights"], (view) => {
    const query = parametersOf(view, new Date());
    return (client, signal) => client.get("/metrics/insights", { query, signal });
  });
}

/** `sort` decides which workflows are listed if there are more than the API lists. */
export function useWorkflowHealth(sort: WorkflowSort): Asked<WorkflowHealth> {
  return useQuestion(["workflow-health", sort], (view) => {
    const query = { ...parametersOf(view, new Date()), sort, limit: FAILURES_PER_PAGE };
    return (client, signal) => client.get("/metrics/workflow-health", { query, signal });
  });
}

/** The page of failures at `cursor`; null asks nothing. */
export function useFailures(cursor: string | null): Asked<WorkflowHealth> {
  const question = (view: View): Question<WorkflowHealth> => {
    const page = { limit: FAILURES_PER_PAGE, cursor: cursor ?? undefined };
    const query = { ...parametersOf(view, new Date()), ...page };
    return (client, signal) => client.get("/metrics/workflow-health", { query, signal });
  };
  return useQuestion(["failures", cursor], question, cursor !== null);
}

/** `name` tells questions about one view apart. */
function useQuestion<Body>(
  name: readonly unknown[],
  questionAbout: (view: View) => Question<Body>,
  enabled = true,
): Asked<Body> {
  const { token } = useSession();
  const { view } = usePlace();
  const { state } = useLive();
  return useQuery<Answer<Body>, Refusal>({
    queryKey: [...name, view],
    queryFn: ({ signal }) => ask(questionAbout(view), token ?? "", signal),
    placeholderData: keepPreviousData,
    enabled: enabled && token !== null,
    // A failure is shown at once; silent retries would hide it.
    retry: false,
    networkMode: "always",
    refetchInterval: ({ state: { error } }) => (error === null ? pauseOf(state) : retryPauseOf(error)),
  });
}

/** The pause before a refused question is asked again, in ms; false if waiting doesn't help. */
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
