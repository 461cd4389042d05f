// What an insight says, without its words: what a language makes a sentence of.

/** What a rule of insights found, with its numbers as people of the language read them. */
export type InsightFacts =
  /** Nothing is counted any more. */
  | { rule: "silence"; things: string; since: string; expected: string }
  /** An hour that counts far more, or far less, than usual; `hours` are like that. */
  | {
      rule: "unusual";
      side: "high" | "low";
      things: string;
      value: number;
      shown: string;
      usual: string;
      from: string;
      to: string;
      hours: number;
    }
  /** A KPI that changed, compared with the same hours so many weeks before. */
  | { rule: "change"; kpi: string; rose: boolean; value: string; before: string; weeks: number }
  /** Fewer messages are delivered than before. */
  | { rule: "delivery"; value: string; before: string; sample: string }
  /** More messages are delivered than sent, which can't be; in `hours` it is so. */
  | { rule: "excess"; sent: string; delivered: string; from: string; to: string; hours: number }
  /** Most failures are of one workflow. */
  | { rule: "concentration"; workflow: string; ofFailures: string; failures: string; ofRuns: string };

export interface InsightWords {
  title: string;
  sentence: string;
  /** What to look at next. */
  next: string;
}
