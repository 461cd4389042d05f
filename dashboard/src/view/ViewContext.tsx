// The view that the address names, as a React context, and the one function that changes it.

import { createContext, type ReactNode, use, useCallback, useMemo, useSyncExternalStore } from "react";
import type { Range } from "../api/answers";
import { type Formats, formatsOf, zoneOfDays } from "./formats";
import { readView, type View, writeView } from "./view";
import { localZone } from "./zone";

interface Place {
  view: View;
  formats: Formats;
  change: (part: Partial<View>) => void;
}

const PlaceContext = createContext<Place | null>(null);

export function ViewProvider({ children }: { children: ReactNode }) {
  const search = useSyncExternalStore(subscribe, () => location.search);
  const view = useMemo(() => readView(search, localZone()), [search]);
  const formats = useMemo(() => formatsOf(navigator.language, view.zone), [view.zone]);
  const change = useCallback((part: Partial<View>) => {
    const next = writeView({ ...readView(location.search, localZone()), ...part }, localZone());
    if (next === location.search) return;
    history.pushState(null, "", location.pathname + next);
    for (const notify of listeners) notify();
  }, []);
  const place = useMemo(() => ({ view, formats, change }), [view, formats, change]);
  return <PlaceContext value={place}>{children}</PlaceContext>;
}

/** The view, the formats of its zone, and the function that changes the view. */
export function usePlace(): Place {
  const place = use(PlaceContext);
  if (place === null) throw new Error("usePlace is called outside a ViewProvider");
  return place;
}

/** The formats for a range's buckets: days in the zone the API used, whatever zone the page shows. */
export function useRangeFormats(range: Range): Formats {
  const { formats, view } = usePlace();
  const zone = range.granularity === "day" ? zoneOfDays(range) : view.zone;
  return useMemo(
    () => (zone === view.zone ? formats : formatsOf(navigator.language, zone)),
    [formats, view.zone, zone],
  );
}

const listeners = new Set<() => void>();

/** Notifies of the page's own changes, and of the browser's back and forward. */
function subscribe(notify: () => void): () => void {
  listeners.add(notify);
  addEventListener("popstate", notify);
  return () => {
    listeners.delete(notify);
    removeEventListener("popstate", notify);
  };
}
