// The page's questions to the API, each a hook. A question is asked again when the view changes, when live mode says
// so, and after a failure that may pass.

import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { usePlace } from "./ViewContext";
import { type Bounds, boundsOf } from "./period";
import { comparingParametersOf, parametersOf, type View } from "./view";
import type { Overview, WorkflowHealth, WorkflowTrends } from "../api/answers";
import { type Answer, ask, type Question } from "../api/ask";
import type { LiveState } from "../api/follow";
import { useLive } from "../api/live";
import type { Refusal } from "../api/refusal";
import { serverNow } from "../api/serverClock";
import { useSession } from "../api/session";

/** The least that may be asked for: failures are a panel's own question. */
const FAILURES = 1;
/** The pause before a question is repeated after a failure that may pass, unless the API names one. */
const RETRY_PAUSE_MS = 5_000;
/** The pause between refreshes in live mode while nothing tells of changes. */
const POLL_PAUSE_MS = 10_000;
/** The same while something does: buckets end, and `completeThrough` moves on, even if nothing is counted. */
const LIVE_PAUSE_MS = 30_000;

/** An answer, and the bounds that were asked for: the API may have moved or limited them. */
export interface Answered<Body> extends Answer<Body> {
  requested: Bounds;
}

export type Asked<Body> = UseQueryResult<Answered<Body>, Refusal>;

/** Everything of one version of the organization's numbers; of all workflows, whatever workflow the view is of. */
export function useOverview(): Asked<Overview> {
  const { view } = usePlace();
  return useAsked(["overview", rangeOf(view), view.compare], (now) => {
    const query = { ...comparingParametersOf(view, now), limit: FAILURES };
    return (client, signal) => client.get("/metrics/overview", { query, signal });
  });
}

/** The series of the view's workflow; asks nothing if the view is of all. */
export function useWorkflowTrends(): Asked<WorkflowTrends> {
  const question = (view: View, now: Date): Question<WorkflowTrends> => {
    const query = { ...comparingParametersOf(view, now), workflow: view.workflow ?? undefined };
    // With a workflow the answer is always of that.
    return (client, signal) =>
      client.get("/metrics/trends", { query, signal }) as Promise<Answer<WorkflowTrends>>;
  };
  return useQuestion(["workflow-trends"], question, usePlace().view.workflow !== null);
}

/** The totals of the view's workflow; asks nothing if the view is of all. */
export function useWorkflowHealth(): Asked<WorkflowHealth> {
  const question = (view: View, now: Date): Question<WorkflowHealth> => {
    const query = { ...parametersOf(view, now), workflow: view.workflow ?? undefined, limit: FAILURES };
    return (client, signal) => client.get("/metrics/workflow-health", { query, signal });
  };
  return useQuestion(["workflow-health"], question, usePlace().view.workflow !== null);
}

/**
 * Asks about the view. `name` tells questions about one view apart. A change of the view's period, zone, granularity,
 * comparison or workflow asks anew; if the answer depends on its metric or sort, name that, too.
 */
export function useQuestion<Body>(
  name: readonly unknown[],
  question: (view: View, now: Date) => Question<Body>,
  enabled = true,
): Asked<Body> {
  const { view } = usePlace();
  const key = [...name, rangeOf(view), view.compare, view.workflow];
  return useAsked(key, (now) => question(view, now), enabled);
}

function rangeOf({ period, zone, granularity }: View): Pick<View, "period" | "zone" | "granularity"> {
  return { period, zone, granularity };
}

function useAsked<Body>(
  key: readonly unknown[],
  question: (now: Date) => Question<Body>,
  enabled = true,
): Asked<Body> {
  const { token, organization } = useSession();
  const { view } = usePlace();
  const { state } = useLive();
  return useQuery<Answered<Body>, Refusal>({
    queryKey: [organization, ...key],
    queryFn: ({ signal }) => {
      const bounds = () => boundsOf(view.period, view.zone, serverNow());
      const put = () => ask(question(serverNow()), token ?? "", organization, signal);
      return askedOnTime(bounds, put);
    },
    placeholderData: keepPreviousData,
    enabled: enabled && token !== null,
    // A failure is shown at once; silent retries would hide it.
    retry: false,
    networkMode: "always",
    refetchInterval: ({ state: { error } }) => (error === null ? pauseOf(state) : retryPauseOf(error)),
  });
}

/**
 * Asks with the bounds of now. An answer sets the clock; if the bounds are others by that, the question was about another
 * day, so its answer isn't shown, and the question is put again.
 */
export async function askedOnTime<Body>(
  boundsNow: () => Bounds,
  put: () => Promise<Answer<Body>>,
): Promise<Answered<Body>> {
  const requested = boundsNow();
  const answer = await put();
  const meant = boundsNow();
  if (meant.from === requested.from && meant.to === requested.to) return { ...answer, requested };
  return { ...(await put()), requested: meant };
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
    case "polling":
    case "unavailable":
      return POLL_PAUSE_MS;
  }
}
