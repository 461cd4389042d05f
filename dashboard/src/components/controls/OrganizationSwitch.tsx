// Chooses among the organizations that the token names; nothing if it names one.

import { ChevronsUpDown } from "lucide-react";
import { useEffect, useMemo, useRef } from "react";
import { useSession } from "../../api/session";
import { useTexts } from "../../texts/TextsContext";
import { useCommands } from "../../view/commands";
import { learnName, organizationName } from "../../view/organizations";
import { openSelect } from "./openSelect";

interface OrganizationSwitchProps {
  /** Of the organization that is shown; null if it has none, or isn't known yet. */
  name: string | null;
}

export function OrganizationSwitch({ name }: OrganizationSwitchProps) {
  const { claims, organization, chooseOrganization } = useSession();
  const { controls } = useTexts();
  const select = useRef<HTMLSelectElement>(null);
  const several = claims !== null && claims.organizations.length > 1;
  useEffect(() => {
    if (organization !== null && name !== null) learnName(organization, name);
  }, [organization, name]);
  useCommands(
    useMemo(() => {
      const run = () => openSelect(select.current);
      return several
        ? [
            {
              id: "organization.open",
              label: controls.chooseOrganization,
              keys: "o",
              icon: ChevronsUpDown,
              run,
            },
          ]
        : [];
    }, [several, controls]),
  );
  if (!several) return null;
  const shown =
    name ?? (organization === null ? controls.chooseOrganization : organizationName(organization));
  return (
    <span className="relative flex h-8 min-w-0 items-center gap-1.5 rounded-lg px-1.5 hover:bg-sunken has-focus-visible:outline-2 has-focus-visible:outline-accent pointer-coarse:h-10">
      <span aria-hidden="true" className="truncate text-lg font-semibold tracking-tight">
        {shown}
      </span>
      <ChevronsUpDown className="text-muted print:hidden" />
      {/* The browser's own list, which is the best there is on a phone; drawn as the name. */}
      <select
        ref={select}
        aria-label={controls.organization}
        title={controls.organization}
        className="absolute inset-0 w-full appearance-none opacity-0"
        value={organization ?? ""}
        onChange={(event) => chooseOrganization(event.target.value)}
      >
        {organization === null && <option value="">{controls.chooseOrganization}</option>}
        {claims.organizations.map((id) => (
          <option key={id} value={id} className="bg-raised text-ink">
            {id === organization && name !== null ? name : organizationName(id)}
          </option>
        ))}
      </select>
    </span>
  );
}
