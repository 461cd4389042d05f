// The view the address names, for whoever shows it, and the one way to change it.

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
    for (const tell of listeners) tell();
  }, []);
  const place = useMemo(() => ({ view, formats, change }), [view, formats, change]);
  return <PlaceContext value={place}>{children}</PlaceContext>;
}

/** The view, the formats of its zone, and how to change it. */
export function usePlace(): Place {
  const place = use(PlaceContext);
  if (place === null) throw new Error("usePlace is called outside a ViewProvider");
  return place;
}

/** The formats for a range's buckets: days are told in the zone the API made them in, whatever zone is looked at. */
export function useRangeFormats(range: Range): Formats {
  const { formats, view } = usePlace();
  const zone = range.granularity === "day" ? zoneOfDays(range) : view.zone;
  return useMemo(
    () => (zone === view.zone ? formats : formatsOf(navigator.language, zone)),
    [formats, view.zone, zone],
  );
}

const listeners = new Set<() => void>();

/** Tells of pushes of ours and of the browser's back and forward. */
function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  addEventListener("popstate", tell);
  return () => {
    listeners.delete(tell);
    removeEventListener("popstate", tell);
  };
}
