// Following together with the other windows of the browser: a piece that is loaded after the page.

import type { Client } from "business-metrics-client";
import { follow, type Follower } from "./follow";
import { share } from "./sharing";
import { nameOf, windowsOfBrowser } from "./windows";

/** Follows together with the other windows of the same person and organization; polls where the browser doesn't allow that. */
export async function followTogether(
  identity: string,
  client: () => Client,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  const windows = windowsOfBrowser();
  if (windows === null) return follower.stateChanged({ state: "polling" });
  const stream = (teller: Follower, ends: AbortSignal) => follow(client, teller, ends);
  await share(await nameOf(identity), stream, follower, windows, signal);
}
