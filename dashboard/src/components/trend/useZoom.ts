// Zooming in and out: a zoom is another period in the address, so the browser's Back undoes it as well.

import { useState } from "react";
import type { Interval } from "../../api/answers";
import { usePlace } from "../../view/ViewContext";
import type { View } from "../../view/view";

interface Zoom {
  before: View;
  after: View;
}

/** More zooms than this nobody remembers. */
const ZOOMS_MAX = 20;

interface Zooming {
  zoomIn: (interval: Interval) => void;
  /** Null unless the period was zoomed to. */
  zoomOut: (() => void) | null;
}

export function useZoom(): Zooming {
  const { view, change } = usePlace();
  const [zooms, setZooms] = useState<readonly Zoom[]>([]);
  const zoom = zooms.findLast(({ after }) => isSame(after.period, view.period));
  const leave = ({ before, after }: Zoom) => {
    if (isSame(view, after)) history.back();
    // Something else was changed since, which stays.
    else change({ period: before.period, granularity: before.granularity });
  };
  return {
    zoomIn: ({ from, to }) => {
      // Hours of a day, not one bar: the width of buckets is left to the API.
      const part = { period: { from, to }, granularity: null } as const;
      if (isSame({ ...view, ...part }, view)) return;
      setZooms((all) => [...all.slice(1 - ZOOMS_MAX), { before: view, after: { ...view, ...part } }]);
      change(part);
    },
    zoomOut: zoom === undefined ? null : () => leave(zoom),
  };
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
