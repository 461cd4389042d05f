// An alert in a sentence: the page's, where it has one for the alert, otherwise the API's. Pure.

import type { Alert, Kpi } from "../api/answers";
import type { AllTexts } from "../texts";
import type { Formats } from "./formats";
import { ownWords } from "./kpiWords";

/** With the alert's numbers, as its KPI is written. */
export function alertSentence(
  { alertSentences }: AllTexts,
  formats: Formats,
  alert: Alert,
  kpi: Kpi | undefined,
): string {
  const sentence = ownWords(alertSentences, alert.key);
  if (sentence === undefined || kpi === undefined) return alert.message;
  const quantity = (value: number) => formats.quantity(value, kpi).text;
  return sentence(quantity(alert.value), formats.count(alert.sample), quantity(alert.threshold));
}
