// Die Sätze der Auffälligkeiten auf Deutsch.

import type { InsightFacts, InsightWords } from "./insightFacts";

/** Was gezählt wird, nach dem Namen in der Schnittstelle. */
const THINGS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  orders: ["Bestellung", "Bestellungen"],
  payments: ["Zahlung", "Zahlungen"],
  workflow_runs: ["Workflow-Lauf", "Workflow-Läufe"],
  messages: ["Nachricht", "Nachrichten"],
};

/** Kennzahlen am Satzanfang; ein Plural hat ein anderes Verb. */
const FIGURES: Readonly<Record<string, { words: string; many?: true }>> = {
  orders_created: { words: "Die Bestellungen", many: true },
  payment_success_rate: { words: "Die Erfolgsquote der Zahlungen" },
  workflow_failure_rate: { words: "Die Fehlerquote der Workflows" },
  avg_execution_time_ms: { words: "Die mittlere Laufzeit" },
  message_delivery_rate: { words: "Die Zustellquote" },
};

export function toldInGerman(facts: InsightFacts): InsightWords | null {
  switch (facts.rule) {
    case "silence": {
      const things = THINGS[facts.things]?.[1];
      if (things === undefined) return null;
      return {
        title: `Keine ${things} mehr`,
        sentence: `Seit ${facts.since} gab es keine ${things}. Üblich wären um diese Zeit der Woche etwa ${facts.expected}.`,
        next: "Läuft das System, das sie meldet? Werden seine Datensätze abgewiesen?",
      };
    }
    case "unusual":
      return unusual(facts);
    case "change": {
      const figure = FIGURES[facts.kpi];
      if (figure === undefined) return null;
      const verb = facts.rose ? "gestiegen" : "gesunken";
      const is = figure.many === true ? "sind" : "ist";
      const earlier = facts.weeks === 1 ? "eine Woche" : `${facts.weeks} Wochen`;
      return {
        title: `${figure.words} ${is} ${verb}`,
        sentence: `${figure.words} ${is} auf ${facts.value} ${verb}, von ${facts.before} in denselben Stunden ${earlier} zuvor.`,
        next: "Das Diagramm zeigt, wann das begann.",
      };
    }
    case "delivery":
      return {
        title: "Weniger Nachrichten kommen an",
        sentence: `Nur ${facts.value} von ${facts.sample} Nachrichten wurden zugestellt; in den Wochen zuvor waren es ${facts.before}.`,
        next: "Welchem Kanal fehlen Quittungen? Kommen sie nur verspätet?",
      };
    case "excess": {
      const others = facts.hours > 1 ? ` So ist es in ${facts.hours} Stunden.` : "";
      return {
        title: "Mehr Nachrichten zugestellt als gesendet",
        sentence: `Zwischen ${facts.from} und ${facts.to} wurden ${facts.sent} Nachrichten gesendet und ${facts.delivered} zugestellt. Das kann nicht sein: Die Datensätze dazu sind falsch.${others}`,
        next: "Ist sent_at in allen Datensätzen zu einer Nachricht der Zeitpunkt des Sendens, nie der eines Rückrufs des Anbieters? Werden die SENT-Datensätze gemeldet? docs/providers.md beschreibt beides für jeden Anbieter.",
      };
    }
    case "concentration":
      return {
        title: `Die meisten Fehlschläge stammen von einem Workflow: ${facts.workflow}`,
        sentence: `Auf ${facts.workflow} entfallen ${facts.ofFailures} der ${facts.failures} fehlgeschlagenen Läufe, aber nur ${facts.ofRuns} aller Läufe.`,
        next: "Die Meldungen seiner Fehlschläge sagen, woran es liegt.",
      };
  }
}

function unusual(facts: Extract<InsightFacts, { rule: "unusual" }>): InsightWords | null {
  const { side, value, shown, usual, from, to, hours } = facts;
  const things = THINGS[facts.things];
  if (things === undefined) return null;
  const [one, many] = things;
  const counted = value === 0 ? `keine ${many}` : value === 1 ? `nur 1 ${one}` : `${shown} ${many}`;
  const others = hours > 1 ? ` Von ${hours} solchen Stunden ist es die auffälligste.` : "";
  return {
    title: side === "high" ? `Weit mehr ${many} als üblich` : `Weit weniger ${many} als üblich`,
    sentence: `Zwischen ${from} und ${to} gab es ${counted}; üblich wären in dieser Stunde der Woche etwa ${usual}.${others}`,
    next: "Wie war der Tag Stunde für Stunde? Was wurde um diese Zeit ausgeliefert oder versendet?",
  };
}
