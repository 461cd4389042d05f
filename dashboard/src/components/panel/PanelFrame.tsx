// The frame of every panel: title, controls, border.

import { type ReactNode, useId } from "react";

interface PanelFrameProps {
  title: string;
  /** Follows the title. */
  remark?: ReactNode;
  controls?: ReactNode;
  busy?: boolean;
  /** Sets a fixed height where panels stand side by side, so that nothing moves when answers arrive. */
  className: string;
  children: ReactNode;
}

export function PanelFrame({ title, remark, controls, busy = false, className, children }: PanelFrameProps) {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      aria-busy={busy}
      className={`@container flex min-w-0 flex-col rounded-xl border border-line bg-surface shadow-card print:h-auto print:break-inside-avoid print:shadow-none ${className}`}
    >
      <div className="flex min-h-12 shrink-0 flex-wrap items-center justify-between gap-x-3 gap-y-1 px-5 pt-3 pb-1">
        <div className="flex items-baseline gap-2">
          <h2 id={id} className="text-base font-semibold tracking-tight">
            {title}
          </h2>
          {remark}
        </div>
        {controls}
      </div>
      <div className="flex min-h-0 grow flex-col px-5 pb-5">{children}</div>
    </section>
  );
}
