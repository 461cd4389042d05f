// The address that shows everyone the very numbers of an answer: its range and zone are in it, the token never is. Pure.

import type { Range } from "../api/answers";
import { metricIn, type View, writeView } from "./view";

/** `page` is the page's address; its other parameters stay. `organization` is for tokens that open several. */
export function linkTo(page: string, view: View, range: Range, organization: string): string {
  const exact: View = {
    ...view,
    period: { from: range.from, to: range.to },
    granularity: range.granularity,
  };
  const link = new URL(page);
  link.hash = "";
  const parameters = { ...writeView(exact), compare: view.compare, metric: metricIn(view), organization };
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null) link.searchParams.delete(name);
    else link.searchParams.set(name, value);
  }
  // These need no escape in a query; with one, a person can't read them.
  return link.href.replaceAll("%3A", ":").replaceAll("%2F", "/");
}
