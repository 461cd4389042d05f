// The page of one organization: who, what is shown, how far it can be relied on, and the numbers.

import { useState } from "react";
import { figure, type Summary, type Trends } from "./api/answers";
import { type Asked, useInsights, useSummary, useTrends, useWorkflowHealth } from "./api/questions";
import { Freshness } from "./components/Freshness";
import { InsightPanel } from "./components/InsightPanel";
import { KpiRow } from "./components/KpiRow";
import { NoAccess } from "./components/NoAccess";
import { OrdersPaymentsTrendChart } from "./components/OrdersPaymentsTrendChart";
import { OverviewHeader } from "./components/OverviewHeader";
import { PageNotice } from "./components/PageNotice";
import { RangeNote } from "./components/RangeNote";
import { RecentFailures } from "./components/RecentFailures";
import { SignIn } from "./components/SignIn";
import { Toolbar } from "./components/Toolbar";
import { Welcome } from "./components/Welcome";
import { WorkflowHealthBreakdown } from "./components/WorkflowHealthBreakdown";
import { pageStateOf } from "./view/pageState";
import { usePlace } from "./view/ViewContext";
import type { WorkflowSort } from "./view/workflowOrder";

const COUNTERS = [
  "orders_created",
  "payments_total",
  "workflows_total",
  "messages_sent",
  "messages_delivered",
];

export function Overview() {
  const { view } = usePlace();
  const [sort, setSort] = useState<WorkflowSort>("failures");
  const summary = useSummary();
  const trends = useTrends();
  const health = useWorkflowHealth(sort);
  const insights = useInsights();
  const required = [summary, trends, health];
  // An API without insights is older, not broken.
  const all = insights.error?.kind === "absent" ? required : [...required, insights];

  const state = pageStateOf(all.map(standingOf));
  if (state.kind === "signedOut") return <SignIn refusal={state.refusal} />;
  if (state.kind === "noAccess") return <NoAccess />;

  const refresh = () => all.forEach((asked) => void asked.refetch());
  const asOf = asOfOf(required);
  const counted = trends.data === undefined ? null : recordsIn(trends.data.body);
  return (
    <>
      <OverviewHeader summary={summary.data?.body} />
      <main className="mx-auto flex max-w-[120rem] flex-col gap-3 px-4 py-4 sm:px-6 lg:gap-4 lg:px-8 lg:py-5">
        <Toolbar
          // Until it is known that this API doesn't compare its place is kept.
          comparing={summary.data === undefined || summary.data.body.comparison !== undefined}
          freshness={
            <Freshness
              asOf={asOf}
              completeThrough={summary.data?.body.completeThrough}
              fetching={all.some((asked) => asked.isFetching)}
              onRefresh={refresh}
            />
          }
        />
        <PageNotice
          state={state}
          refusedAt={Math.max(...all.map((asked) => asked.errorUpdatedAt))}
          asOf={asOf}
          onRetry={refresh}
        />
        {isUnknown(summary, counted) && <Welcome organizationId={summary.data?.body.organizationId ?? ""} />}
        <KpiRow summary={summary} trends={trends} />
        <div className="grid gap-3 *:min-w-0 lg:grid-cols-[3fr_2fr] lg:gap-4">
          <OrdersPaymentsTrendChart trends={trends} />
          <WorkflowHealthBreakdown health={health} sort={sort} onSort={setSort} />
          {/* A page of failures is a place in one period: another period begins at its newest. */}
          <RecentFailures key={JSON.stringify(view)} health={health} />
          <InsightPanel insights={insights} counted={counted} />
        </div>
        {summary.data !== undefined && <RangeNote summary={summary.data.body} />}
      </main>
    </>
  );
}

function standingOf({ data, error }: Asked<unknown>) {
  return { ageSeconds: data?.ageSeconds ?? 0, refusal: error };
}

/** When the oldest of the answers was true, in ms since 1970. */
function asOfOf(all: readonly Asked<unknown>[]): number | null {
  const instants = all.flatMap(({ data, dataUpdatedAt }) =>
    data === undefined ? [] : [dataUpdatedAt - data.ageSeconds * 1_000],
  );
  return instants.length === 0 ? null : Math.min(...instants);
}

/** How many records the range's counters speak of. */
function recordsIn({ series }: Trends): number {
  const count = (name: string) => series.reduce((sum, bucket) => sum + (figure(bucket, name) ?? 0), 0);
  return COUNTERS.reduce((sum, name) => sum + count(name), 0);
}

/** Whether the organization has neither a name nor a record in the range. */
function isUnknown({ data }: Asked<Summary>, counted: number | null): boolean {
  return data !== undefined && data.body.organizationName === null && counted === 0;
}
