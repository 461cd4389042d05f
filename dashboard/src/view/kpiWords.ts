// The words for a KPI and for an alert in the page's language; for one that the page doesn't know, the API's. Pure.

import type { Alert, Comparison, Interval, Kpi } from "../api/answers";
import type { Texts } from "../texts";
import type { Formats } from "./formats";

type Named = Pick<Kpi, "key" | "label">;

/** What people call it: Payment success rate. */
export function kpiName({ kpi }: Texts, { key, label }: Named): string {
  return ownWords(kpi.names, key) ?? label;
}

/** What it says, in a sentence. */
export function kpiDescription(
  { kpi }: Texts,
  { key, description }: Pick<Kpi, "key" | "description">,
): string {
  return ownWords(kpi.descriptions, key) ?? description;
}

/** A few words: Payments are failing. */
export function alertTitle({ page }: Texts, { key, title }: Pick<Alert, "key" | "title">): string {
  return ownWords(page.alertTitles, key) ?? title;
}

/**
 * Both values that a change is between, with every digit and the interval that each is of, so that a reader can check it
 * by hand; and why the card's value may be another. Null if nothing is compared.
 */
export function comparedWords(
  { kpi: words }: Texts,
  formats: Formats,
  kpi: Kpi,
  comparison: Comparison | null,
): string | null {
  const { comparedValue: now, previousValue: before } = kpi;
  if (comparison === null || now === null || before === null) return null;
  const { current, previous } = comparison;
  const part = (value: number, { from, to }: Interval) =>
    `${formats.quantity(value, kpi).exact} (${formats.period(from, to)})`;
  const both = words.compared(part(now, current), part(before, previous));
  return now === kpi.value ? both : `${both}\n${words.goneOn(formats.moment(current.to))}`;
}

/** The page's words for a key, if it has some. */
export function ownWords<T>(words: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(words, key) ? words[key] : undefined;
}
