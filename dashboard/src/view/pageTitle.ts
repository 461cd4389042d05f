// What the browser's tab says: state, organization, product; and its icon. Pure.

import type { Summary } from "../api/answers";
import type { Texts } from "../texts";
import type { PageState } from "./pageState";

export type TabState = "well" | "warning" | "critical" | "offline";

/** `summary` is undefined before the first answer, or without one. */
export function tabStateOf(state: PageState, summary: Pick<Summary, "systemHealth"> | undefined): TabState {
  if (state.kind === "unreachable" || state.kind === "unavailable") return "offline";
  const status = summary?.systemHealth.status ?? "healthy";
  return status === "healthy" ? "well" : status;
}

export function tabTitleOf(
  { page }: Texts,
  tab: TabState,
  summary: Pick<Summary, "alerts" | "organizationName" | "organizationId"> | undefined,
): string {
  const alerts = summary?.alerts.length ?? 0;
  const state = tab === "offline" ? page.offlineInTitle : alerts > 0 ? page.alertsInTitle(alerts) : null;
  const name = summary === undefined ? null : (summary.organizationName ?? summary.organizationId);
  return [state, name, page.product].filter((part) => part !== null).join(" – ");
}
