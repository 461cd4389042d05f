// What an organization sees before its first record is counted: what to send, and where.

import { Icon, type IconName } from "../parts/icons";

const SOURCES: readonly { icon: IconName; name: string; topic: string; words: string }[] = [
  {
    icon: "calendar",
    name: "Events",
    topic: "business-metrics.events.v1",
    words: "Orders, payments, and the organization’s name and plan",
  },
  {
    icon: "circleCheck",
    name: "Workflow outcomes",
    topic: "business-metrics.workflow-terminals.v1",
    words: "How each run ended and how long it took",
  },
  {
    icon: "arrowUp",
    name: "Message deliveries",
    topic: "business-metrics.message-deliveries.v1",
    words: "Messages sent, delivered and read",
  },
];

export function Welcome({ organizationId }: { organizationId: string }) {
  return (
    <section
      aria-labelledby="welcome"
      className="rounded-xl border border-line bg-surface p-6 shadow-card lg:flex lg:items-center lg:gap-10"
    >
      <div className="shrink-0 lg:w-80">
        <h2 id="welcome" className="text-lg font-semibold tracking-tight">
          Nothing has been counted yet
        </h2>
        <p className="mt-1 text-sm text-muted">
          This page fills by itself once records of{" "}
          <code className="font-mono text-ink">{organizationId}</code> arrive. If some should be here already,
          look for a longer period first, then whether they carry this very id.
        </p>
      </div>
      <ul className="mt-5 grid grow gap-3 md:grid-cols-3 lg:mt-0">
        {SOURCES.map(({ icon, name, topic, words }) => (
          <li key={topic} className="min-w-0 rounded-lg border border-line p-3">
            <p className="flex items-center gap-2 text-sm font-medium">
              <Icon name={icon} className="text-accent" />
              {name}
            </p>
            <p className="mt-1 text-xs text-muted">{words}</p>
            <p className="mt-2 font-mono text-[0.6875rem] wrap-anywhere text-muted">{topic}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
