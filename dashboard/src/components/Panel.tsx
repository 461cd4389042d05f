// The frame of every panel: title, controls, and the states a question can be in before it has an answer.

import { type ReactNode, useId } from "react";
import type { Asked } from "../api/questions";
import { usePlace } from "../view/ViewContext";
import { PanelBoundary } from "./PanelBoundary";
import { PanelTrouble } from "./PanelTrouble";

interface PanelProps<Body> {
  title: string;
  asked: Asked<Body>;
  controls?: ReactNode;
  skeleton: ReactNode;
  /** Heights are fixed where panels stand side by side, so that nothing moves when they fill. */
  className: string;
  children: (body: Body) => ReactNode;
}

export function Panel<Body>({ title, asked, controls, skeleton, className, children }: PanelProps<Body>) {
  const id = useId();
  const { data, error, isPlaceholderData } = asked;
  return (
    <section
      aria-labelledby={id}
      aria-busy={data === undefined ? error === null : isPlaceholderData}
      className={`@container flex min-w-0 flex-col rounded-xl border border-line bg-surface shadow-card print:h-auto print:break-inside-avoid print:shadow-none ${className}`}
    >
      <div className="flex min-h-12 shrink-0 flex-wrap items-center justify-between gap-x-3 gap-y-1 px-5 pt-3 pb-1">
        <h2 id={id} className="text-base font-semibold tracking-tight">
          {title}
          {data !== undefined && error !== null && <AsOf at={asked.dataUpdatedAt} />}
        </h2>
        {data !== undefined && controls}
      </div>
      <div
        className={`flex min-h-0 grow flex-col px-5 pb-5 transition-opacity ${isPlaceholderData ? "opacity-50" : ""}`}
      >
        {data !== undefined ? (
          <PanelBoundary>{children(data.body)}</PanelBoundary>
        ) : error !== null ? (
          <PanelTrouble refusal={error} onRetry={() => void asked.refetch()} />
        ) : (
          skeleton
        )}
      </div>
    </section>
  );
}

function AsOf({ at }: { at: number }) {
  const { formats } = usePlace();
  return <span className="ml-2 text-xs font-normal text-warning">from {formats.clock(new Date(at))}</span>;
}
