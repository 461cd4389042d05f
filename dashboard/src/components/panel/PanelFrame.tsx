// The frame of every panel: title, controls, border.

import { type ReactNode, useId } from "react";

interface PanelFrameProps {
  /** Its name in the page, in every language: `trend`. */
  name?: string;
  title: string;
  /** Follows the title. */
  remark?: ReactNode;
  controls?: ReactNode;
  busy?: boolean;
  /** The least height, where something is drawn to fit. Otherwise a panel is as tall as its content. */
  className?: string;
  children: ReactNode;
}

export function PanelFrame(props: PanelFrameProps) {
  const { name, title, remark, controls, busy = false, className = "", children } = props;
  const id = useId();
  return (
    <section
      data-panel={name}
      aria-labelledby={id}
      aria-busy={busy}
      // The keys that go from panel to panel put the focus here.
      tabIndex={-1}
      className={`@container flex min-w-0 scroll-mt-4 flex-col rounded-xl border border-line bg-surface shadow-card outline-none print:break-inside-avoid print:overflow-hidden print:shadow-none ${className}`}
    >
      <div className="flex min-h-12 shrink-0 flex-wrap items-center justify-between gap-x-3 gap-y-1 px-4 pt-2.5 pb-1 sm:px-5">
        <div className="flex min-w-0 flex-wrap items-baseline gap-x-2">
          <h2 id={id} className="text-base font-semibold tracking-tight">
            {title}
          </h2>
          {remark}
        </div>
        {controls}
      </div>
      <div className="flex min-h-0 min-w-0 grow flex-col px-4 pb-4 sm:px-5 sm:pb-5">{children}</div>
    </section>
  );
}
