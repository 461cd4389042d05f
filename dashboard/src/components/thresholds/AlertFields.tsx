// The thresholds of one alert, as fields: what applies, what is the default, and what is wrong with what is typed.

import { useId } from "react";
import type { ThresholdsOfAlert } from "../../api/answers";
import { useAllTexts } from "../../texts/useAllTexts";
import type { AllTexts } from "../../texts";
import type { Formats } from "../../view/formats";
import { alertTitle } from "../../view/kpiWords";
import {
  type Complaint,
  type Complaints,
  EMPTY,
  type Entry,
  type Field,
  FIELDS,
} from "../../view/rowsThresholds";
import { usePlace } from "../../view/ViewContext";

interface AlertFieldsProps {
  alert: ThresholdsOfAlert;
  entry: Entry;
  complaints: Complaints;
  /** They can only be seen. */
  fixed: boolean;
  onType: (entry: Entry) => void;
}

export function AlertFields({ alert, entry, complaints, fixed, onType }: AlertFieldsProps) {
  const texts = useAllTexts();
  const { formats } = usePlace();
  const { thresholds } = texts;
  const id = useId();
  const ofAll = complaints[alert.key];
  const isDefault = FIELDS.every((field) => entry[field].trim() === "");
  return (
    <fieldset className="mt-4 border-t border-line pt-3" aria-describedby={id}>
      <legend className="sr-only">{alertTitle(texts, alert)}</legend>
      <div className="flex min-h-8 flex-wrap items-center justify-between gap-x-3">
        <h3 className="text-sm font-semibold" aria-hidden="true">
          {alertTitle(texts, alert)}
        </h3>
        {!fixed && !isDefault && (
          <button type="button" className="control h-7 px-2 text-xs" onClick={() => onType(EMPTY)}>
            {thresholds.reset}
            <span className="sr-only">: {alertTitle(texts, alert)}</span>
          </button>
        )}
      </div>
      <div className="mt-1 grid gap-x-4 gap-y-3 sm:grid-cols-3">
        {FIELDS.map((field) => (
          <NumberField
            key={field}
            field={field}
            alert={alert}
            typed={entry[field]}
            complaint={complaints[`${alert.key}/${field}`]}
            fixed={fixed}
            onType={(typed) => onType({ ...entry, [field]: typed })}
          />
        ))}
      </div>
      <p id={id} role="alert" className="text-sm text-bad not-empty:mt-1">
        {ofAll !== undefined && wordsOf(ofAll, alert, texts, formats)}
      </p>
      {alert.updatedAt !== null && (
        <p className="mt-1 text-xs text-muted">
          {thresholds.changed(formats.exactly(alert.updatedAt), alert.updatedBy)}
        </p>
      )}
    </fieldset>
  );
}

interface NumberFieldProps {
  field: Field;
  alert: ThresholdsOfAlert;
  typed: string;
  complaint: Complaint | undefined;
  fixed: boolean;
  onType: (typed: string) => void;
}

function NumberField({ field, alert, typed, complaint, fixed, onType }: NumberFieldProps) {
  const texts = useAllTexts();
  const { formats } = usePlace();
  const { thresholds } = texts;
  const ids = { field: useId(), hint: useId() };
  const unit = field === "leastSample" ? (thresholds.samples[alert.kpi] ?? "") : UNITS[alert.unit];
  const label = field === "leastSample" ? thresholds.leastSample : thresholds[field][alert.better];
  const standard =
    field === "leastSample" ? formats.count(alert.default[field]) : formats.decimal(alert.default[field]);
  return (
    <div className="min-w-0">
      <label htmlFor={ids.field} className="block text-xs text-muted">
        {label}
      </label>
      <div className="mt-1 flex items-center gap-1.5">
        <input
          id={ids.field}
          className="field min-w-0"
          inputMode="decimal"
          autoComplete="off"
          value={typed}
          placeholder={standard}
          readOnly={fixed}
          onChange={(event) => onType(event.target.value)}
          aria-invalid={complaint !== undefined}
          aria-describedby={ids.hint}
        />
        <span className="text-sm text-muted">{unit}</span>
      </div>
      <p
        id={ids.hint}
        className={`mt-1 min-h-4 text-xs ${complaint === undefined ? "text-muted" : "text-bad"}`}
      >
        {complaint === undefined ? thresholds.isDefault(standard) : wordsOf(complaint, alert, texts, formats)}
      </p>
    </div>
  );
}

const UNITS: Readonly<Record<ThresholdsOfAlert["unit"], string>> = { count: "", percent: "%", ms: "ms" };

function wordsOf(complaint: Complaint, alert: ThresholdsOfAlert, texts: AllTexts, formats: Formats): string {
  const { complaints } = texts.thresholds;
  switch (complaint.kind) {
    case "number":
      return complaints.number;
    case "range": {
      const shown = (value: number) => formats.quantity(value, { unit: alert.unit, decimals: 0 }).text;
      return complaints.range(shown(complaint.minimum), shown(complaint.maximum));
    }
    case "decimals":
      return complaints.decimals;
    case "sample":
      return complaints.sample;
    case "order":
      return complaints.order[complaint.better];
    case "told":
      return complaints.told(complaint.detail);
  }
}
