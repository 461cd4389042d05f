// The dialog of thresholds, which is loaded when it is opened.

import { lazy, Suspense } from "react";

const ThresholdsDialog = lazy(() => import("./ThresholdsDialog"));

interface ThresholdsOpenedProps {
  /** The key of the one figure that is meant. */
  kpi?: string | undefined;
  onClose: () => void;
}

export function ThresholdsOpened({ kpi, onClose }: ThresholdsOpenedProps) {
  return (
    <Suspense fallback={null}>
      <ThresholdsDialog kpi={kpi} onClose={onClose} />
    </Suspense>
  );
}
