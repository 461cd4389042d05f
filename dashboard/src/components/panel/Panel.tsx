// A panel that shows the answer to a question, or that it is loading, or why it was refused.

import type { ReactNode } from "react";
import type { Asked } from "../../view/questions";
import { usePlace } from "../../view/ViewContext";
import { PanelBoundary } from "./PanelBoundary";
import { PanelFrame } from "./PanelFrame";
import { PanelTrouble } from "./PanelTrouble";

interface PanelProps<Body> {
  title: string;
  asked: Asked<Body>;
  controls?: ReactNode;
  skeleton: ReactNode;
  className: string;
  children: (body: Body) => ReactNode;
}

export function Panel<Body>({ title, asked, controls, skeleton, className, children }: PanelProps<Body>) {
  const { data, error, isPlaceholderData, dataUpdatedAt } = asked;
  const frame = { title, className };
  if (data !== undefined) {
    return (
      <PanelFrame
        {...frame}
        controls={controls}
        busy={isPlaceholderData}
        remark={error !== null && <AsOf at={dataUpdatedAt} />}
      >
        <div
          className={`flex min-h-0 grow flex-col transition-opacity ${isPlaceholderData ? "opacity-50" : ""}`}
        >
          <PanelBoundary>{children(data.body)}</PanelBoundary>
        </div>
      </PanelFrame>
    );
  }
  if (error !== null) {
    return (
      <PanelFrame {...frame}>
        <PanelTrouble refusal={error} onRetry={() => void asked.refetch()} />
      </PanelFrame>
    );
  }
  return (
    <PanelFrame {...frame} busy>
      {skeleton}
    </PanelFrame>
  );
}

/** Marks numbers that couldn't be refreshed. */
function AsOf({ at }: { at: number }) {
  const { formats } = usePlace();
  return <span className="text-xs text-warning">from {formats.clock(new Date(at))}</span>;
}
