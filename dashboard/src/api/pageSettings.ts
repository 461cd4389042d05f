// What the operators have set for this page: how people sign in, whom they ask for access, how long ranges may be. Public.

import { queryOptions, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { fetchSettingClock } from "./serverClock";

/** How people sign in at an OpenID provider. */
export interface SignInSettings {
  issuer: string;
  clientId: string;
  scope: string;
  /** Sent as `audience`, which some providers ask for. */
  audience: string | null;
  /** Sent as `resource` (RFC 8707). */
  resource: string | null;
}

export interface PageSettings {
  /** Who gives access: an e-mail address, an address of a page, or words. */
  accessContact: string | null;
  /** The longest range that is answered; a longer one gets a later start. */
  maxRangeDays: number;
  /** Null where people bring a token. */
  signIn: SignInSettings | null;
}

const ADDRESS = "/overview/settings.json";
const WITHIN_MS = 10_000;

/** It is the same for everybody and doesn't change while the page is open, so it is asked for once. */
export const pageSettings = queryOptions({
  queryKey: ["page settings"],
  queryFn: readSettings,
  staleTime: "static",
  gcTime: Infinity,
  retry: 1,
  retryDelay: 500,
  networkMode: "always",
  meta: { isSetting: true },
});

export function usePageSettings(): UseQueryResult<PageSettings> {
  return useQuery(pageSettings);
}

async function readSettings({ signal }: { signal: AbortSignal }): Promise<PageSettings> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)]);
  const response = await fetchSettingClock(ADDRESS, { signal: limit });
  if (!response.ok) throw new Error(`${ADDRESS} answers ${response.status}`);
  return (await response.json()) as PageSettings;
}
