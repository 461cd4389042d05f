// The thresholds of alerts: seen, changed, and reset to the defaults. Loaded when it is opened.

import { type FormEvent, useState } from "react";
import type { Thresholds } from "../../api/answers";
import type { Answer } from "../../api/ask";
import { useAllTexts } from "../../texts/useAllTexts";
import { useRights } from "../../view/rights";
import { type Unchanged, useThresholds, useThresholdsChange } from "../../view/rowSettings";
import {
  type Complaints,
  type Entries,
  type Entry,
  EMPTY,
  entriesOf,
  placeOf,
  read,
} from "../../view/rowsThresholds";
import { usePlace } from "../../view/ViewContext";
import { PanelTrouble } from "../panel/PanelTrouble";
import { Dialog } from "../parts/Dialog";
import { savedIn } from "./saved";
import { AlertFields } from "./AlertFields";

interface ThresholdsDialogProps {
  /** The key of the one figure whose alerts are meant; without it, all are. */
  kpi?: string | undefined;
  onClose: () => void;
}

export default function ThresholdsDialog({ kpi, onClose }: ThresholdsDialogProps) {
  const texts = useAllTexts();
  const kept = useThresholds();
  return (
    <Dialog title={texts.thresholds.title} onClose={onClose}>
      {(close) => {
        if (kept.data !== undefined) return <Form kept={kept.data} kpi={kpi} close={close} />;
        if (kept.error !== null) {
          return <PanelTrouble refusal={kept.error} onRetry={() => void kept.refetch()} />;
        }
        return <div className="skeleton h-80" />;
      }}
    </Dialog>
  );
}

const MAIN = "control border-transparent bg-accent text-on-accent hover:not-disabled:bg-accent/85";

interface FormProps {
  /** As they are kept now. */
  kept: Answer<Thresholds>;
  kpi: string | undefined;
  close: () => void;
}

function Form({ kept, kpi, close }: FormProps) {
  const texts = useAllTexts();
  const { thresholds } = texts;
  const { formats } = usePlace();
  const { change } = useRights();
  const separator = separatorOf(formats.decimal);
  // As they were when the dialog was opened: what is saved replaces these, and nothing newer.
  const [base, setBase] = useState(kept);
  const [entries, setEntries] = useState<Entries>(() => entriesOf(base.body.alerts, separator));
  const [found, setFound] = useState<Complaints>({});
  /** What was saved last, until something else is typed. */
  const [saved, setSaved] = useState<string | null>(null);
  const changing = useThresholdsChange();
  const why = changing.error?.why ?? null;
  const { alerts } = base.body;
  const shown = alerts.filter((alert) => kpi === undefined || alert.kpi === kpi);
  const complaints = { ...found, ...complaintsOf(why) };
  const type = (key: string, entry: Entry) => {
    setEntries({ ...entries, [key]: entry });
    setFound({});
    setSaved(null);
    if (why?.kind === "document") changing.reset();
  };
  const save = (etag: string | null) => {
    const typed = read(entries, alerts);
    setFound("complaints" in typed ? typed.complaints : {});
    if (!("document" in typed)) return;
    const before = base.body.alerts;
    const onSuccess = (now: Answer<Thresholds>) => {
      setBase(now);
      setEntries(entriesOf(now.body.alerts, separator));
      setSaved(savedIn(texts, formats, before, now.body.alerts));
    };
    changing.mutate({ document: typed.document, etag }, { onSuccess });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save(base.etag);
  };
  const showTheirs = () => {
    setBase(kept);
    setEntries(entriesOf(kept.body.alerts, separator));
    setFound({});
    changing.reset();
  };
  return (
    <form onSubmit={submit} noValidate>
      <p className="text-sm text-muted">{thresholds.whose}</p>
      <p className="mt-1 text-sm text-muted">{change ? thresholds.why : thresholds.whyFixed}</p>
      {shown.map((alert) => (
        <AlertFields
          key={alert.key}
          alert={alert}
          entry={entries[alert.key] ?? EMPTY}
          complaints={complaints}
          fixed={!change}
          onType={(entry) => type(alert.key, entry)}
        />
      ))}
      {why?.kind === "meanwhile" && (
        <div role="alert" className="mt-4 rounded-lg bg-warning-tint p-3 text-sm">
          <p>{thresholds.meanwhile}</p>
          <div className="mt-2 flex flex-wrap gap-2">
            <button type="button" className="control" onClick={showTheirs}>
              {thresholds.showTheirs}
            </button>
            <button type="button" className="control" onClick={() => save(kept.etag)}>
              {thresholds.saveMine}
            </button>
          </div>
        </div>
      )}
      {change && (
        <div className="mt-5 flex flex-wrap items-center gap-2">
          <button type="submit" className={MAIN} disabled={changing.isPending}>
            {changing.isPending ? thresholds.saving : thresholds.save}
          </button>
          <button type="button" className="control" onClick={close}>
            {saved === null ? thresholds.cancel : texts.common.close}
          </button>
          <p role="status" className="min-h-5 text-sm font-medium text-good">
            {saved}
          </p>
          <p role="alert" className="min-h-5 text-sm text-bad">
            {refusedWords(why, thresholds.refused)}
          </p>
        </div>
      )}
    </form>
  );
}

/** What the API says of a place in the form. */
function complaintsOf(why: Unchanged | null): Complaints {
  if (why?.kind !== "document") return {};
  const place = placeOf(why.pointer);
  return place === null ? {} : { [place]: { kind: "told", detail: why.detail } };
}

/** Why they weren't saved, if that is said at no field. */
function refusedWords(why: Unchanged | null, words: (detail: string | null) => string): string | null {
  switch (why?.kind) {
    case undefined:
    case "meanwhile":
      return null;
    case "document":
      return placeOf(why.pointer) === null ? words(why.detail) : null;
    case "refused":
      return words(why.refusal.detail);
  }
}

/** What the language writes before decimals. */
function separatorOf(decimal: (value: number) => string): string {
  return decimal(0.5).replace(/\d/g, "");
}
