// The header: the organization, its plan, its alerts, and the person's own menu.

import { lazy } from "react";
import type { Summary } from "../../api/answers";
import { useSession } from "../../api/session";
import { useTexts } from "../../texts/TextsContext";
import { CommandButton } from "../commands/CommandButton";
import { Later } from "../parts/Later";
import { AccountMenu } from "./AccountMenu";
import { MetricAlertBadge } from "./MetricAlertBadge";
import { PlanBadge } from "./PlanBadge";

const OrganizationSwitch = lazy(async () => ({
  default: (await import("../controls/OrganizationSwitch")).OrganizationSwitch,
}));

/** `summary` is undefined until the first answer. */
export function OverviewHeader({ summary }: { summary: Summary | undefined }) {
  return (
    <header className="border-b border-line bg-surface">
      <div className="mx-auto flex h-14 max-w-[120rem] items-center gap-x-3 px-4 sm:px-6 lg:px-8 print:h-auto print:px-0 print:pb-2">
        {summary === undefined ? <IdentitySkeleton /> : <Identity summary={summary} />}
        {summary !== undefined && (
          <div className="min-w-fit shrink-0 lg:min-w-0 lg:shrink">
            <MetricAlertBadge summary={summary} />
          </div>
        )}
        <div className="flex shrink-0 items-center gap-1">
          <CommandButton />
          <AccountMenu />
        </div>
      </div>
    </header>
  );
}

function Identity({ summary }: { summary: Summary }) {
  const { page } = useTexts();
  const { claims } = useSession();
  const several = (claims?.organizations.length ?? 0) > 1;
  const { organizationId, organizationName, plan } = summary;
  const name = organizationName ?? organizationId;
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2.5">
      <Monogram name={name} />
      <div className="flex min-w-0 items-center gap-2">
        <h1
          // The switch between several organizations has the name, too.
          className={several ? "sr-only" : "truncate text-lg leading-6 font-semibold tracking-tight"}
          title={organizationName === null ? page.notHeardOf : organizationId}
        >
          {name}
        </h1>
        {several && (
          <Later waiting={<span className="truncate text-lg font-semibold">{name}</span>}>
            <OrganizationSwitch name={organizationName} />
          </Later>
        )}
        <span className="max-sm:hidden">
          <PlanBadge plan={plan} />
        </span>
      </div>
    </div>
  );
}

function Monogram({ name }: { name: string }) {
  const [first = ""] = name;
  return (
    <span
      aria-hidden="true"
      // On the narrowest phones the name has its room.
      className="grid size-8 shrink-0 place-items-center rounded-lg bg-accent text-base font-semibold text-on-accent uppercase max-[24rem]:hidden print:hidden"
    >
      {first}
    </span>
  );
}

function IdentitySkeleton() {
  const { page } = useTexts();
  return (
    <div className="flex min-w-0 flex-1 items-center gap-2.5">
      <div className="skeleton size-8 rounded-lg max-[24rem]:hidden" />
      <h1 className="sr-only">{page.overview}</h1>
      <div className="skeleton h-4 w-40" />
    </div>
  );
}
