// A piece of the page that is loaded when it is wanted: what stands for it until then, and if it can't be loaded.

import { Component, type ReactNode, Suspense } from "react";
import { useTexts } from "../../texts/TextsContext";

interface LaterProps {
  /** Stands for the piece while it is loaded; as large as it, so that nothing moves. */
  waiting?: ReactNode;
  children: ReactNode;
}

export function Later({ waiting, children }: LaterProps) {
  return (
    <LaterBoundary>
      <Suspense fallback={waiting ?? <Waiting />}>{children}</Suspense>
    </LaterBoundary>
  );
}

function Waiting() {
  const { controls } = useTexts();
  return (
    <p role="status" className="p-4 text-sm text-muted">
      {controls.loading}
    </p>
  );
}

class LaterBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <NotLoaded /> : this.props.children;
  }
}

/** The piece's file is gone, for instance because the service has been updated since the page was opened. */
function NotLoaded() {
  const { controls } = useTexts();
  return (
    <div role="alert" className="max-w-72 space-y-3 p-4 text-sm">
      <p>{controls.notLoaded}</p>
      <button type="button" className="control" onClick={() => location.reload()}>
        {controls.reload}
      </button>
    </div>
  );
}
