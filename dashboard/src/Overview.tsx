// The page of one organization: header, controls, notices, and the panels with the numbers.

import { useCallback, useDeferredValue } from "react";
import { CommandMenu } from "./components/commands/CommandMenu";
import { Toolbar } from "./components/controls/Toolbar";
import { NoAccess, SignIn } from "./components/entry/pages";
import { SessionNotice } from "./components/entry/SessionNotice";
import { KpiRow } from "./components/kpi/KpiRow";
import { OverviewHeader } from "./components/page/OverviewHeader";
import { PageNotice } from "./components/page/PageNotice";
import { Remark } from "./components/parts/Remark";
import { RangeLine } from "./components/page/RangeLine";
import { Share } from "./components/page/Share";
import { useSharing } from "./components/page/useSharing";
import { TrendPanel } from "./components/trend/TrendPanel";
import { Footer, LowerPanel, PageNotes, Welcome, WorkflowChip } from "./LowerParts";
import { useTexts } from "./texts/TextsContext";
import { pageStateOf } from "./view/pageState";
import { tabStateOf, tabTitleOf } from "./view/pageTitle";
import { useOverview, useWorkflowTrends } from "./view/questions";
import { isUnknown } from "./view/records";
import { useShown } from "./view/shown";
import { useTab } from "./view/useTab";

export function Overview() {
  const texts = useTexts();
  const overview = useOverview();
  const { data, error, refetch } = overview;
  const state = pageStateOf({ ageSeconds: data?.ageSeconds ?? 0, refusal: error });
  const summary = data?.body.summary;
  const isIn = state.kind !== "signedOut" && state.kind !== "noAccess";
  const tab = tabStateOf(state, isIn ? summary : undefined);
  useTab(tabTitleOf(texts, tab, isIn ? summary : undefined), tab);
  const sharing = useSharing(data?.body);
  const ofWorkflow = useWorkflowTrends();
  const shown = useShown(overview, ofWorkflow);
  // The cards are drawn at once; all that is below them follows in small steps, which give way to a touch.
  const later = useDeferredValue(overview);
  const shownLater = useShown(later, ofWorkflow);
  const nothingYet = data !== undefined && isUnknown(data.body);
  const refresh = useCallback(() => void refetch(), [refetch]);
  if (state.kind === "signedOut") return <SignIn refusal={state.refusal} />;
  if (state.kind === "noAccess") return <NoAccess refusal={state.refusal} />;
  return (
    <>
      <OverviewHeader summary={summary} />
      <main className="mx-auto flex max-w-[120rem] flex-col gap-3 px-4 py-3 sm:px-6 lg:gap-4 lg:px-8 lg:py-4 print:block print:max-w-none print:space-y-3 print:p-0">
        <div className="flex flex-col gap-2">
          <Toolbar
            shown={overview.isPlaceholderData ? null : (summary?.range ?? null)}
            comparison={summary?.comparison ?? null}
            fetching={overview.isFetching}
            onRefresh={refresh}
            share={<Share sharing={sharing} />}
          />
          <RangeLine overview={overview} />
          <WorkflowChip overview={overview} />
        </div>
        <SessionNotice />
        <PageNotes />
        {sharing.remark !== null && <Remark words={sharing.remark} />}
        <PageNotice
          state={state}
          refusedAt={overview.errorUpdatedAt}
          asOf={data === undefined ? null : overview.dataUpdatedAt - data.ageSeconds * 1_000}
          onRetry={refresh}
        />
        {/* Both in one place, which is as tall as the cards: what has nothing to show moves nothing. */}
        <div className="grid *:[grid-area:1/1] *:min-w-0 print:block">
          <div inert={nothingYet} className={nothingYet ? "invisible print:hidden" : ""}>
            <KpiRow overview={overview} chosen={shown.kpi?.key} />
          </div>
          {nothingYet && <Welcome organizationId={data.body.summary.organizationId} />}
        </div>
        {/* Two columns of panels that are as tall as what is in them. */}
        <div className="grid items-start gap-3 *:min-w-0 lg:grid-cols-[minmax(0,2fr)_minmax(20rem,1fr)] lg:gap-4 print:block print:space-y-3">
          <div className="flex flex-col gap-3 lg:gap-4 print:block print:space-y-3">
            <TrendPanel overview={later} shown={shownLater} />
            <LowerPanel name="workflows" overview={later} />
          </div>
          <div className="flex flex-col gap-3 lg:gap-4 print:block print:space-y-3">
            <LowerPanel name="insights" overview={later} />
            <LowerPanel name="deliveries" overview={later} />
          </div>
        </div>
        <LowerPanel name="failures" overview={later} />
        {data !== undefined && <Footer overview={data.body} />}
      </main>
      <CommandMenu />
    </>
  );
}
