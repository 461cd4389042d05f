// The words of an insight: those of the page's language where it has some for what was found, otherwise the API's. Pure.

import type { Insight } from "../api/answers";
import type { AllTexts } from "../texts";
import type { InsightFacts, InsightWords } from "../texts/insightFacts";
import type { Formats } from "./formats";
import { nameOf } from "./workflowOrder";

const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;

/** The units of KPIs, by their keys: an insight has only numbers. */
const UNITS: Readonly<Record<string, "count" | "percent" | "ms">> = {
  orders_created: "count",
  payment_success_rate: "percent",
  workflow_failure_rate: "percent",
  avg_execution_time_ms: "ms",
  message_delivery_rate: "percent",
};

export function wordsOf(insight: Insight, texts: AllTexts, formats: Formats): InsightWords {
  const facts = factsOf(insight, formats);
  const told = facts === null ? null : texts.insights.told(facts);
  return told ?? { title: insight.title, sentence: insight.sentence, next: insight.next };
}

/** What it says; null if the page doesn't know the rule, or misses one of its numbers. */
export function factsOf(insight: Insight, formats: Formats): InsightFacts | null {
  const { key, kpi, period, numbers } = insight;
  const silence = /^silence_(\w+)$/.exec(key)?.[1];
  if (silence !== undefined) {
    const expected = numbers["expected"];
    if (expected === undefined) return null;
    const since = formats.moment(period.from);
    return { rule: "silence", things: silence, since, expected: formats.count(Math.round(expected)) };
  }
  const unusual = /^unusually_(high|low)_(\w+)$/.exec(key);
  if (unusual !== null)
    return unusualFacts(insight, unusual[1] === "high" ? "high" : "low", unusual[2] ?? "", formats);
  if (key === "delivery_drop") {
    const { value, before, sample } = numbers;
    if (value === undefined || before === undefined || sample === undefined) return null;
    const [now, earlier] = [value, before].map((rate) => formats.percent(rate));
    return { rule: "delivery", value: now ?? "", before: earlier ?? "", sample: formats.count(sample) };
  }
  if (key === "delivered_exceeds_sent") return excessFacts(insight, formats);
  if (key === "failures_concentrated") return concentrationFacts(insight, formats);
  const change = /^(\w+)_(up|down)$/.exec(key);
  return change === null || kpi === null || change[1] !== kpi ? null : changeFacts(insight, kpi, formats);
}

function unusualFacts(
  { period, numbers }: Insight,
  side: "high" | "low",
  things: string,
  formats: Formats,
): InsightFacts | null {
  const { value, usual, hours } = numbers;
  if (value === undefined || usual === undefined || hours === undefined) return null;
  return {
    rule: "unusual",
    side,
    things,
    value,
    shown: formats.count(value),
    usual: formats.count(Math.round(usual)),
    from: formats.moment(period.from),
    to: formats.tick(period.to, "hour"),
    hours,
  };
}

function excessFacts({ period, numbers }: Insight, formats: Formats): InsightFacts | null {
  const { sent, delivered, hours } = numbers;
  if (sent === undefined || delivered === undefined || hours === undefined) return null;
  const [from, to] = [formats.moment(period.from), formats.moment(period.to)];
  return { rule: "excess", sent: formats.count(sent), delivered: formats.count(delivered), from, to, hours };
}

function concentrationFacts({ workflow, numbers }: Insight, formats: Formats): InsightFacts | null {
  const { percentOfFailures, percentOfRuns, allFailures } = numbers;
  if (workflow === undefined || percentOfFailures === undefined) return null;
  if (percentOfRuns === undefined || allFailures === undefined) return null;
  return {
    rule: "concentration",
    workflow: nameOf(workflow),
    ofFailures: formats.percent(percentOfFailures),
    failures: formats.count(allFailures),
    ofRuns: formats.percent(percentOfRuns),
  };
}

function changeFacts(insight: Insight, kpi: string, formats: Formats): InsightFacts | null {
  const { comparedWith, period, numbers } = insight;
  const { value, before } = numbers;
  const unit = Object.hasOwn(UNITS, kpi) ? UNITS[kpi] : undefined;
  if (unit === undefined || comparedWith === undefined || value === undefined || before === undefined)
    return null;
  const [now, earlier] = [value, before].map((number) => formats.quantity(number, { unit }).text);
  // Clocks may have been changed between the two.
  const weeks = Math.round((Date.parse(period.from) - Date.parse(comparedWith.from)) / WEEK_MS);
  return { rule: "change", kpi, rose: value > before, value: now ?? "", before: earlier ?? "", weeks };
}
