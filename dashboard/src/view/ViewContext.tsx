// The view that the address names, as a React context, and the one function that changes it.

import { parseAsString, useQueryStates } from "nuqs";
import { NuqsAdapter } from "nuqs/adapters/react";
import { createContext, type ReactNode, use, useCallback, useEffect, useMemo } from "react";
import type { Range } from "../api/answers";
import { useLanguage, useTexts } from "../texts/TextsContext";
import { type Formats, formatsOf, zoneOfDays } from "./formats";
import { prepare } from "./prepared";
import { localeOf, systemZone } from "./system";
import { metricIn, type Note, PARAMETERS, type Parameter, readView, type View, writeView } from "./view";

interface Place {
  view: View;
  /** Numbers as the language and region write them, times as the view's zone has them. */
  formats: Formats;
  /** Changes parts of the view; the browser's Back undoes it. */
  change: (part: Partial<View>) => void;
  /** What wasn't understood, of the address and of the system. */
  notes: readonly Note[];
}

const PlaceContext = createContext<Place | null>(null);

/** Every parameter as the address has it; `view.ts` reads them together. */
const PARSERS = Object.fromEntries(PARAMETERS.map((name) => [name, parseAsString])) as Record<
  Parameter,
  typeof parseAsString
>;

export function ViewProvider({ children }: { children: ReactNode }) {
  return (
    <NuqsAdapter>
      <PlaceProvider>{children}</PlaceProvider>
    </NuqsAdapter>
  );
}

function PlaceProvider({ children }: { children: ReactNode }) {
  const { language } = useLanguage();
  const texts = useTexts();
  const [parameters, setParameters] = useQueryStates(PARSERS, { history: "push" });
  const system = useMemo(() => systemZone(), []);
  const locale = useMemo(() => localeOf(language), [language]);
  const read = useMemo(() => readView(parameters, system.used), [parameters, system]);
  const { view } = read;
  const notes = useMemo<readonly Note[]>(() => {
    // A zone in the address is used whatever the system's is.
    const zone: Note[] =
      system.unusable === null || parameters.timezone !== null
        ? []
        : [{ kind: "systemZone", given: system.unusable }];
    const words: Note[] =
      locale.unusable === null ? [] : [{ kind: "systemLanguage", given: locale.unusable }];
    return [...read.notes, ...zone, ...words];
  }, [read, system, locale, parameters.timezone]);
  const formats = useMemo(() => formatsOf(locale.used, view.zone, texts.formats), [locale, view.zone, texts]);
  useEffect(() => prepare(formats), [formats]);
  const change = useCallback(
    (part: Partial<View>) => {
      if (isIn(view, part)) return; // otherwise Back would seem to do nothing
      void setParameters((now) => writeView({ ...readView(now, system.used).view, ...part }));
    },
    [view, system, setParameters],
  );
  const place = useMemo(() => ({ view, formats, change, notes }), [view, formats, change, notes]);
  return <PlaceContext value={place}>{children}</PlaceContext>;
}

function isIn(view: View, part: Partial<View>): boolean {
  const shown = (one: View) => JSON.stringify({ ...one, metric: metricIn(one) });
  return shown({ ...view, ...part }) === shown(view);
}

/** The view, the formats of its zone, the function that changes the view, and what should be said about it. */
export function usePlace(): Place {
  const place = use(PlaceContext);
  if (place === null) throw new Error("usePlace is called outside a ViewProvider");
  return place;
}

/** The formats for a range's buckets: days in the zone the API used, whatever zone the page shows. */
export function useRangeFormats(range: Range): Formats {
  const { language } = useLanguage();
  const texts = useTexts();
  const { formats, view } = usePlace();
  const zone = range.granularity === "day" ? zoneOfDays(range) : view.zone;
  return useMemo(
    () => (zone === view.zone ? formats : formatsOf(localeOf(language).used, zone, texts.formats)),
    [formats, language, texts, view.zone, zone],
  );
}
