// The header: the organization, its plan, its health, the theme, and signing out.

import type { Summary } from "../../api/answers";
import { useSession } from "../../api/session";
import { Icon } from "../parts/icons";
import { ThemeSwitch } from "../controls/ThemeSwitch";
import { MetricAlertBadge } from "./MetricAlertBadge";
import { PlanBadge } from "./PlanBadge";

/** `summary` is undefined until the first answer. */
export function OverviewHeader({ summary }: { summary: Summary | undefined }) {
  const { signOut } = useSession();
  return (
    <header className="border-b border-line bg-surface">
      <div className="mx-auto flex max-w-[120rem] flex-wrap items-center gap-x-4 gap-y-3 px-4 py-3 sm:px-6 lg:px-8">
        {summary === undefined ? <IdentitySkeleton /> : <Identity summary={summary} />}
        <div className="flex min-w-fit flex-1 items-center justify-between gap-3 sm:justify-end">
          {summary === undefined ? (
            <div className="skeleton h-8 w-28 rounded-full" />
          ) : (
            <MetricAlertBadge summary={summary} />
          )}
          <div className="flex shrink-0 items-center gap-2">
            <ThemeSwitch />
            <button
              type="button"
              className="control px-2 print:hidden"
              onClick={signOut}
              title="Forget the token"
            >
              <Icon name="leave" />
              <span className="sr-only">Sign out</span>
            </button>
          </div>
        </div>
      </div>
    </header>
  );
}

function Identity({ summary }: { summary: Summary }) {
  const { organizationId, organizationName, plan } = summary;
  const name = organizationName ?? organizationId;
  return (
    <div className="flex min-w-60 flex-1 items-center gap-3">
      <Monogram name={name} />
      <div className="min-w-0">
        <div className="flex min-w-0 items-center gap-2">
          <h1 className="truncate text-lg leading-6 font-semibold tracking-tight">{name}</h1>
          <PlanBadge plan={plan} />
        </div>
        <p className="truncate font-mono text-xs text-muted">
          {organizationName === null ? "not heard of yet" : organizationId}
        </p>
      </div>
    </div>
  );
}

function Monogram({ name }: { name: string }) {
  const [first = ""] = name;
  return (
    <span
      aria-hidden="true"
      className="grid size-10 shrink-0 place-items-center rounded-[0.625rem] bg-accent text-lg font-semibold text-on-accent uppercase"
    >
      {first}
    </span>
  );
}

function IdentitySkeleton() {
  return (
    <div className="flex min-w-60 flex-1 items-center gap-3">
      <div className="skeleton size-10 rounded-[0.625rem]" />
      <div>
        <h1 className="sr-only">Overview</h1>
        <div className="skeleton my-1 h-4 w-40" />
        <div className="skeleton my-1 h-3 w-24" />
      </div>
    </div>
  );
}
