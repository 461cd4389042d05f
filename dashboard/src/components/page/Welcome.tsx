// What an organization sees before its first record is counted, in place of its cards: what to send, and where.

import { CircleCheck, type LucideIcon, Send, ShoppingCart } from "lucide-react";
import { useAllTexts } from "../../texts/useAllTexts";

const SOURCES = [
  { icon: ShoppingCart, name: "events", topic: "business-metrics.events.v1" },
  { icon: CircleCheck, name: "workflows", topic: "business-metrics.workflow-terminals.v1" },
  { icon: Send, name: "messages", topic: "business-metrics.message-deliveries.v1" },
] as const satisfies readonly { icon: LucideIcon; name: string; topic: string }[];

export function Welcome({ organizationId }: { organizationId: string }) {
  const { welcome } = useAllTexts();
  return (
    <section
      data-panel="welcome"
      aria-labelledby="welcome"
      className="rounded-xl border border-line bg-surface p-4 shadow-card sm:p-5 lg:flex lg:items-center lg:gap-10"
    >
      <div className="shrink-0 lg:w-80">
        <h2 id="welcome" className="text-lg font-semibold tracking-tight">
          {welcome.title}
        </h2>
        <p className="mt-1 text-sm text-muted">
          {welcome.before} <code className="font-mono text-ink">{organizationId}</code> {welcome.after}
        </p>
      </div>
      <ul className="mt-5 grid grow gap-3 md:grid-cols-3 lg:mt-0">
        {SOURCES.map(({ icon: Icon, name, topic }) => (
          <li key={topic} className="min-w-0 rounded-lg border border-line p-3">
            <p className="flex items-center gap-2 text-sm font-medium">
              <Icon className="text-accent" />
              {welcome.sources[name].name}
            </p>
            <p className="mt-1 text-xs text-muted">{welcome.sources[name].words}</p>
            <p className="mt-2 font-mono text-[0.6875rem] wrap-anywhere text-muted">{topic}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}
