// The form of thresholds: what is typed, what is wrong with it, and the document that it makes. Pure.

import type { OwnThresholds } from "business-metrics-client";
import type { ThresholdsOfAlert } from "../api/answers";

export const FIELDS = ["warning", "critical", "leastSample"] as const;
export type Field = (typeof FIELDS)[number];

/** What is typed for an alert; an empty field means the default. */
export type Entry = Readonly<Record<Field, string>>;
/** By alert. */
export type Entries = Readonly<Record<string, Entry>>;

export type Complaint =
  | { kind: "number" }
  | { kind: "range"; minimum: number; maximum: number }
  | { kind: "decimals" }
  | { kind: "sample" }
  /** What applies then isn't in the order in which values get worse. */
  | { kind: "order"; better: ThresholdsOfAlert["better"] }
  /** The API's own words. */
  | { kind: "told"; detail: string };

/** By place: `alert/field`, or `alert` for what concerns all of it. */
export type Complaints = Readonly<Record<string, Complaint>>;

export type Read = { document: OwnThresholds } | { complaints: Complaints };

/** A whole number, or one with decimals behind a point or a comma. Thousands aren't apart: nobody could tell which is which. */
const NUMBER = /^\d+(?:[.,](\d+))?$/;
/** The greatest sample that the API takes. */
const SAMPLE_MAX = 1_000_000_000;
/** Thresholds have as many decimals as values are shown with. */
const DECIMALS_MAX = 1;

/** What applies as the organization's own, in the fields; `separator` is the language's decimal one. */
export function entriesOf(alerts: readonly ThresholdsOfAlert[], separator: string): Entries {
  const text = (value: number | null) => (value === null ? "" : numberText(value, separator));
  return Object.fromEntries(
    alerts.map(({ key, own }) => [
      key,
      { warning: text(own.warning), critical: text(own.critical), leastSample: text(own.leastSample) },
    ]),
  );
}

export function numberText(value: number, separator: string): string {
  return String(value).replace(".", separator);
}

export const EMPTY: Entry = { warning: "", critical: "", leastSample: "" };

/** Reads what is typed. The document replaces all thresholds, so it needs the entries of all alerts. */
export function read(entries: Entries, alerts: readonly ThresholdsOfAlert[]): Read {
  const complaints: Record<string, Complaint> = {};
  const thresholds: Record<string, Record<Field, number | null>> = {};
  for (const alert of alerts) {
    const entry = entries[alert.key] ?? EMPTY;
    const own: Record<Field, number | null> = { warning: null, critical: null, leastSample: null };
    for (const field of FIELDS) {
      const value = numberIn(entry[field], field, alert);
      if (value !== null && typeof value === "object") complaints[`${alert.key}/${field}`] = value;
      else own[field] = value;
    }
    const isRead = FIELDS.every((field) => complaints[`${alert.key}/${field}`] === undefined);
    if (isRead && !isInOrder(own, alert)) complaints[alert.key] = { kind: "order", better: alert.better };
    if (FIELDS.some((field) => own[field] !== null)) thresholds[alert.key] = own;
  }
  return Object.keys(complaints).length > 0 ? { complaints } : { document: { thresholds } };
}

/** The number in a field; null for the default; otherwise what is wrong. */
function numberIn(typed: string, field: Field, alert: ThresholdsOfAlert): number | null | Complaint {
  const text = typed.trim();
  if (text === "") return null;
  const parts = NUMBER.exec(text);
  if (parts === null) return { kind: "number" };
  const value = Number(text.replace(",", "."));
  const decimals = parts[1]?.length ?? 0;
  if (field === "leastSample") {
    return decimals === 0 && value >= 1 && value <= SAMPLE_MAX ? value : { kind: "sample" };
  }
  const { minimum, maximum } = alert;
  if (value < minimum || value > maximum) return { kind: "range", minimum, maximum };
  return decimals > DECIMALS_MAX ? { kind: "decimals" } : value;
}

function isInOrder(own: Readonly<Record<Field, number | null>>, alert: ThresholdsOfAlert): boolean {
  const warning = own.warning ?? alert.default.warning;
  const critical = own.critical ?? alert.default.critical;
  return alert.better === "up" ? critical <= warning : critical >= warning;
}

/** Where the API's complaint belongs in the form, by its JSON Pointer; null if in none of its places. */
export function placeOf(pointer: string): string | null {
  const [root, section, alert, field, ...more] = pointer.split("/");
  if (root !== "" || section !== "thresholds" || alert === undefined || more.length > 0) return null;
  const key = alert.replaceAll("~1", "/").replaceAll("~0", "~");
  return field === undefined ? key : `${key}/${field}`;
}

/** Whether anything is typed that differs from what was read. */
export function differs(one: Entries, other: Entries): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
