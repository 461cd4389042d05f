// The page of one organization: header, controls, notices, and the panels with the numbers.

import { useState } from "react";
import { figure, type Summary, type Trends } from "./api/answers";
import { type Asked, useInsights, useSummary, useTrends, useWorkflowHealth } from "./view/questions";
import { Freshness } from "./components/page/Freshness";
import { InsightPanel } from "./components/insights/InsightPanel";
import { KpiRow } from "./components/kpi/KpiRow";
import { NoAccess } from "./components/entry/NoAccess";
import { OrdersPaymentsTrendChart } from "./components/trend/OrdersPaymentsTrendChart";
import { OverviewHeader } from "./components/page/OverviewHeader";
import { PageNotice } from "./components/page/PageNotice";
import { RangeNote } from "./components/page/RangeNote";
import { RecentFailures } from "./components/workflows/RecentFailures";
import { SignIn } from "./components/entry/SignIn";
import { Toolbar } from "./components/controls/Toolbar";
import { Welcome } from "./components/page/Welcome";
import { WorkflowHealthBreakdown } from "./components/workflows/WorkflowHealthBreakdown";
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
  // An older API has no insights, which is no failure.
  const all = insights.error?.kind === "absent" ? required : [...required, insights];

  const state = pageStateOf(all.map(conditionOf));
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
          // Before the first answer, the control keeps its place; an older API doesn't compare.
          comparing={summary.data === undefined || summary.data.body.comparison !== undefined}
          freshness={
            <Freshness
              asOf={asOf}
              completeThrough={summary.data?.body.completeThrough}
              exactFrom={summary.data?.body.exactFrom}
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
          {/* The key resets the page of failures when the view changes: cursors belong to one period. */}
          <RecentFailures key={JSON.stringify(view)} health={health} />
          <InsightPanel insights={insights} counted={counted} />
        </div>
        {summary.data !== undefined && <RangeNote summary={summary.data.body} />}
      </main>
    </>
  );
}

function conditionOf({ data, error }: Asked<unknown>) {
  return { ageSeconds: data?.ageSeconds ?? 0, refusal: error };
}

/** When the oldest of the answers was true, in ms since 1970. */
function asOfOf(all: readonly Asked<unknown>[]): number | null {
  const instants = all.flatMap(({ data, dataUpdatedAt }) =>
    data === undefined ? [] : [dataUpdatedAt - data.ageSeconds * 1_000],
  );
  return instants.length === 0 ? null : Math.min(...instants);
}

/** How many records the counters of the range add up to. */
function recordsIn({ series }: Trends): number {
  const count = (name: string) => series.reduce((sum, bucket) => sum + (figure(bucket, name) ?? 0), 0);
  return COUNTERS.reduce((sum, name) => sum + count(name), 0);
}

/** Whether the organization has neither a name nor a record in the range. */
function isUnknown({ data }: Asked<Summary>, counted: number | null): boolean {
  return data !== undefined && data.body.organizationName === null && counted === 0;
}
