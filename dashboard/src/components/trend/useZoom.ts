// Zooming in and out: a zoom is another period in the address, so the browser's Back undoes it as well.

import { useState } from "react";
import type { Interval } from "../../api/answers";
import { inZone } from "../../view/period";
import { usePlace } from "../../view/ViewContext";
import type { View } from "../../view/view";
import { widthFor } from "../../view/width";

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
  // In another zone a zoom to days is still that to the same dates.
  const here = ({ period, zone }: View) => inZone(period, zone, view.zone);
  const zoom = zooms.findLast(({ after }) => isSame(here(after), view.period));
  const leave = ({ before, after }: Zoom) => {
    if (isSame(view, after)) history.back();
    // Something else was changed since, which stays.
    else change({ period: here(before), granularity: before.granularity });
  };
  return {
    zoomIn: ({ from, to }) => {
      // Hours of a day, not one bar.
      const part = { period: { from, to }, granularity: widthFor({ from, to }, view.zone, null) };
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
