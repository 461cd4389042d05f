// Shows the page's state in the browser's tab: its title and its icon.

import { useEffect } from "react";
import type { TabState } from "./pageTitle";

const ICONS: Readonly<Record<TabState, string>> = {
  well: "icon.svg",
  warning: "icon-warning.svg",
  critical: "icon-critical.svg",
  offline: "icon-offline.svg",
};

export function useTab(title: string, state: TabState): void {
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    showIcon(state);
    return () => showIcon("well");
  }, [state]);
}

function showIcon(state: TabState): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  // Files of their own: the policy forbids data: addresses.
  icon?.setAttribute("href", `/assets/${ICONS[state]}`);
}
