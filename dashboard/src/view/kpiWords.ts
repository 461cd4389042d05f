// The words for a KPI and for an alert in the page's language; for one that the page doesn't know, the API's. Pure.

import type { Alert, Kpi } from "../api/answers";
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

/** The alert in a sentence, with its numbers. */
export function alertSentence(texts: Texts, formats: Formats, alert: Alert, kpi: Kpi | undefined): string {
  const sentence = ownWords(texts.page.alertSentences, alert.key);
  if (sentence === undefined || kpi === undefined) return alert.message;
  const quantity = (value: number) => formats.quantity(value, kpi).text;
  return sentence(quantity(alert.value), formats.count(alert.sample), quantity(alert.threshold));
}

function ownWords<T>(words: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(words, key) ? words[key] : undefined;
}
