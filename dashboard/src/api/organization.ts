// Which of a token's organizations is shown: the address says so, or this tab's last choice.

import type { Claims } from "./claims";
import { keep, kept } from "./tabStorage";

const KEPT_AS = "organization";
/** The address's parameter. */
const PARAMETER = "organization";

export interface Choice {
  /** The chosen one of several; null if the token names at most one, or nothing has been chosen. */
  organization: string | null;
  /** The address asks for an organization that the token doesn't name. */
  unmet: string | null;
}

/** The choice among a token's organizations: the address's, or that of before, or the token's own. Pure. */
export function choiceOf(claims: Claims | null, asked: string | null, before: string | null): Choice {
  if (claims === null) return { organization: null, unmet: null };
  const { organizations, own } = claims;
  const isNamed = (id: string | null): id is string => id !== null && organizations.includes(id);
  const unmet = asked !== null && organizations.length > 0 && !isNamed(asked) ? asked : null;
  if (organizations.length < 2) return { organization: null, unmet };
  return { organization: [asked, before, own].find(isNamed) ?? null, unmet };
}

/** The organization that the address asks for. */
export function organizationInAddress(): string | null {
  const asked = new URLSearchParams(location.search).get(PARAMETER);
  return asked === "" ? null : asked;
}

/** Writes the organization to the address; null takes it out. `entry` makes a new entry of the history, so that Back undoes it. */
export function writeOrganization(organization: string | null, entry: "new" | "same"): void {
  if (organization === organizationInAddress()) return;
  // As text, so that the other parameters stay as they are written.
  const others = location.search.slice(1).split("&");
  const parameters = others.filter((one) => one !== "" && one.split("=")[0] !== PARAMETER);
  if (organization !== null) parameters.push(`${PARAMETER}=${encodeURIComponent(organization)}`);
  const search = parameters.length === 0 ? "" : `?${parameters.join("&")}`;
  const address = location.pathname + search + location.hash;
  if (entry === "new") history.pushState(history.state, "", address);
  else history.replaceState(history.state, "", address);
}

export function keptOrganization(): string | null {
  return kept(KEPT_AS);
}

export function keepOrganization(organization: string | null): void {
  keep(KEPT_AS, organization);
}
