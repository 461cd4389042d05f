// Die Wörter der Teile, die später geladen werden, auf Deutsch.

import { toldInGerman } from "./deInsights";
import type { LaterTexts } from "./texts";

export const deLater: LaterTexts = {
  entry: {
    title: "Anmelden",
    about: "Bestellungen, Zahlungen, Workflows und Nachrichten Ihrer Organisation, sobald sie geschehen.",
    facts: {
      exact: "Jeder Datensatz zählt genau einmal",
      fresh: "Neues erscheint innerhalb von Sekunden",
      alerts: "Was Aufmerksamkeit braucht, fällt auf",
    },
    signInAt: (host: string) => `Mit ${host} anmelden`,
    useToken: "Stattdessen ein Zugriffstoken verwenden",
    token: "Zugriffstoken",
    tokenHint: "Es beginnt mit eyJ. Auch ein Link, der auf #token=… endet, meldet Sie an.",
    show: "Zahlen anzeigen",
    notAToken: "Das ist kein Zugriffstoken: Es beginnt mit eyJ und hat drei durch Punkte getrennte Teile.",
    tokenExpired: (time: string) => `Dieses Token ist abgelaufen (${time}). Bitten Sie um ein neues.`,
    tokenStays:
      "Das Token bleibt in diesem Tab. Es wird nur an diesen Dienst gesendet und vergessen, sobald Sie den Tab schließen oder sich abmelden.",
    signInStays:
      "Ihre Anmeldung gilt nur in diesem Tab und wird vergessen, sobald Sie ihn schließen oder sich abmelden.",
    contact: {
      before: "Noch kein Zugang? Wenden Sie sich an ",
      after: ".",
      unknown: "Noch kein Zugang? Fragen Sie, wer diese Seite in Ihrem Unternehmen betreibt.",
    },
    ended: {
      title: "Ihre Anmeldung ist abgelaufen.",
      why: "Melden Sie sich erneut an, um dort weiterzumachen, wo Sie waren.",
    },
    refused: {
      title: "Dieses Token wird nicht akzeptiert.",
      why: "Vielleicht ist es abgelaufen oder für ein anderes System bestimmt.",
    },
    failures: {
      insecure: () => ({
        title: "Zum Anmelden ist eine sichere Verbindung nötig.",
        why: "Öffnen Sie diese Seite unter ihrer Adresse, die mit https beginnt.",
      }),
      unreachable: (host: string) => ({
        title: `${host} ist nicht erreichbar.`,
        why: "Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
      }),
      refused: (host: string) => ({ title: `${host} hat die Anmeldung abgelehnt.`, why: "" }),
      lost: () => ({
        title: "Diese Anmeldung lässt sich nicht abschließen.",
        why: "Sie wurde in einem anderen Tab begonnen oder liegt zu lange zurück. Bitte beginnen Sie noch einmal.",
      }),
      unusable: (host: string) => ({
        title: `${host} hat kein Token ausgestellt, das dieser Dienst lesen kann.`,
        why: "Das muss dort eingerichtet werden: Zugriffstoken für diesen Dienst müssen JWTs sein.",
      }),
      broken: (host: string) => ({
        title: `Die Antwort von ${host} ist unbrauchbar.`,
        why: "Versuchen Sie es noch einmal. Hilft das nicht, muss es erfahren, wer diese Seite betreibt.",
      }),
    },
    saidByProvider: (detail: string) => `(${detail})`,
    choose: {
      title: "Welche Organisation?",
      why: "Sie haben Zugang zu mehreren. Sie können jederzeit wechseln.",
      unmet: (id: string) =>
        `Der Link gilt für „${id}“, wofür Sie keinen Zugang haben. Wählen Sie eine andere.`,
      find: "Organisation suchen",
      none: "Keine Organisation heißt so.",
    },
    noAccess: {
      noOrganization: {
        title: "Keiner Organisation zugeordnet",
        why: "Sie sind angemeldet, aber für keine Organisation, deren Zahlen sich zeigen ließen.",
      },
      otherOrganization: {
        title: "Kein Zugang zu dieser Organisation",
        why: "Sie sind angemeldet, aber nicht für diese Organisation.",
      },
      insufficientScope: {
        title: "Kein Zugang zu den Zahlen",
        why: "Sie sind angemeldet, dürfen aber keine Zahlen lesen.",
      },
      signedInAs: "Angemeldet als",
      missing: "Fehlt im Token",
      otherToken: "Anderes Token verwenden",
      otherPerson: "Als jemand anderes anmelden",
      subject: "Zugang zu den Geschäftszahlen",
      account: (person: string) => `Konto: ${person}`,
    },
    switch: {
      title: (other: string) => `Zu ${other} wechseln?`,
      why: (
        held: { organization: string; person: string | null },
        other: { organization: string; person: string | null },
      ) => {
        const as = (person: string | null) => (person === null ? "" : ` als ${person}`);
        return `Sie sind für ${held.organization}${as(held.person)} angemeldet. Dieser Link ist für ${other.organization}${as(other.person)} und würde Ihre Anmeldung in diesem Tab ersetzen.`;
      },
      keep: (name: string) => `Bei ${name} bleiben`,
      take: (name: string) => `Zu ${name} wechseln`,
      unnamed: "jemand anderem",
    },
  },
  sessionNotes: {
    endsAt: (time: string) => `Ihre Anmeldung endet um ${time}.`,
    endsForToken: "Fügen Sie danach ein neues Token ein, um weiterzumachen.",
    endsForProvider: (host: string) => `Dann geht diese Seite zu ${host} und kehrt zu dieser Ansicht zurück.`,
    signInNow: "Jetzt anmelden",
    unmet: {
      title: (id: string) => `Dieser Link gilt für „${id}“.`,
      why: "Sie haben keinen Zugang zu dieser Organisation. Gezeigt werden die Zahlen Ihrer eigenen.",
    },
    passedOver: {
      unreadable: "Das Token in diesem Link ist nicht lesbar.",
      expired: "Das Token in diesem Link ist abgelaufen.",
      why: "Sie sind weiter angemeldet wie zuvor.",
    },
  },
  notes: {
    zone: (given: string, used: string) =>
      `Die Zeitzone „${given}“ ist nicht bekannt. Alle Zeiten gelten in ${used}.`,
    parameter: (name: string, given: string) =>
      `„${given}“ passt nicht für: ${name}. Es gilt die Voreinstellung.`,
    parameters: {
      range: "Zeitraum",
      from: "Beginn des Zeitraums",
      to: "Ende des Zeitraums",
      timezone: "Zeitzone",
      granularity: "Breite der Abschnitte",
      compare: "Vergleich",
      metric: "Kennzahl",
      workflow: "Workflow",
      sort: "Reihenfolge der Workflows",
    },
    systemZone: (used: string) =>
      `Die Zeitzone dieses Systems ist nicht bekannt. Alle Zeiten gelten in ${used}.`,
    systemLanguage:
      "Die Sprache dieses Systems ist nicht bekannt. Zahlen und Daten erscheinen wie im Deutschen üblich.",
  },
  alertSentences: {
    payment_success_low: (value: string, sample: string, threshold: string) =>
      `${value} von ${sample} Zahlungen waren erfolgreich; der Schwellenwert ist ${threshold}.`,
    workflow_failures_high: (value: string, sample: string, threshold: string) =>
      `${value} von ${sample} Workflow-Läufen sind fehlgeschlagen; der Schwellenwert ist ${threshold}.`,
    message_delivery_low: (value: string, sample: string, threshold: string) =>
      `${value} von ${sample} Nachrichten, die älter als eine Stunde sind, wurden zugestellt; der Schwellenwert ist ${threshold}.`,
  },
  footer: {
    comparedPart: "Verglichen:",
    withPart: "mit",
    answered: "Beantwortet",
    approximate: "Ungefähr vor",
    approximateWhy:
      "In dieser Zeitzone sind Datensätze vor diesem Zeitpunkt nach ganzen Stunden in UTC gezählt, mit bis zu 45 Minuten Abweichung.",
  },
  chart: {
    opensDay: "Klick oder Enter zeigt die Stunden dieses Tages.",
    hours: "Die Stunden dieses Tages zeigen",
  },
  commandList: {
    find: "Befehl suchen",
    findBy: "Was möchten Sie tun?",
    found: (count) => (count === 1 ? "1 Befehl" : `${count} Befehle`),
    none: "Diesen Befehl gibt es nicht.",
    keys: "Tasten",
    showKeys: "Alle Tasten zeigen",
    singleKeys: "Befehle mit einzelnen Tasten ausführen",
    groups: {
      range: "Zeitraum",
      metric: "Im Diagramm",
      compare: "Verglichen mit",
      zone: "Zeitzone",
      panel: "Gehe zu",
      work: "Zahlen",
      page: "Seite",
    },
    nextPanel: "Zum nächsten Bereich",
    previousPanel: "Zum vorherigen Bereich",
    liveOn: "Live-Modus an",
    liveOff: "Live-Modus aus",
    appearance: (theme) => `Darstellung: ${theme}`,
    otherAppearance: "Hell oder dunkel",
    language: (language) => `Sprache: ${language}`,
    organization: (name) => `Organisation: ${name}`,
  },
  picking: {
    usualPeriods: "Übliche Zeiträume",
    days: "Tage",
    previousMonth: "Vorheriger Monat",
    nextMonth: "Nächster Monat",
    day: (date, today, selected) => `${today ? "Heute, " : ""}${date}${selected ? ", ausgewählt" : ""}`,
    from: "Von",
    to: "Bis",
    fromTime: "Von, Uhrzeit",
    toTime: "Bis, Uhrzeit",
    timesHint: (zone) => `Ohne Uhrzeiten gelten ganze Tage. Zeitzone: ${zone}.`,
    show: "Anzeigen",
    showDays: (count) => (count === 1 ? "1 Tag anzeigen" : `${count} Tage anzeigen`),
    periodTroubles: {
      incomplete: "Wählen Sie einen ersten und einen letzten Tag.",
      reversed: "Das Ende muss nach dem Beginn liegen.",
      future: "Dieser Zeitraum hat noch nicht begonnen.",
    },
    tooLong: (days, from) =>
      `Höchstens ${days} Tage werden auf einmal gezeigt. Die Anzeige beginnt am ${from}.`,
    wholeDays: (days) => `Es zählen ganze Tage: Stunden gibt es für höchstens ${days} Tage.`,
    findZone: "Zeitzone suchen",
    findZoneBy: "Stadt, Land, IST oder UTC+1",
    zones: "Zeitzonen",
    zonesFound: (count) => (count === 1 ? "1 Zeitzone" : `${count} Zeitzonen`),
    noZone: "Dazu ist keine Zeitzone bekannt.",
    systemZone: "die dieses Systems",
    chosen: "gewählt",
  },
  welcome: {
    title: "Noch wurde nichts gezählt",
    before: "Diese Seite füllt sich von selbst, sobald Datensätze von",
    after:
      "eintreffen. Sollten schon welche da sein, wählen Sie zuerst einen längeren Zeitraum und prüfen Sie dann, ob sie genau diese Kennung tragen.",
    sources: {
      events: { name: "Ereignisse", words: "Bestellungen, Zahlungen, Name und Tarif der Organisation" },
      workflows: { name: "Workflow-Ergebnisse", words: "Wie jeder Lauf endete und wie lange er dauerte" },
      messages: { name: "Zustellungen", words: "Versendete, zugestellte und gelesene Nachrichten" },
    },
  },
  workflows: {
    none: "In diesem Zeitraum ist kein Workflow zu Ende gegangen",
    noneWhy: "Läufe werden gezählt, wenn sie enden, gleich wie sie ausgehen.",
    noneOfOne: "Dieser Workflow hat in diesem Zeitraum keinen Lauf beendet",
    outcomes: "Wie Läufe ausgegangen sind",
    succeeded: "Erfolgreich",
    failed: "Fehlgeschlagen",
    stopped: (count) => `davon ${count} von der Sicherheitsgrenze gestoppt`,
    times: "Wie lange Läufe gedauert haben",
    mean: "Im Mittel",
    half: "Die Hälfte in",
    within: (percent) => `${percent} % in`,
    noTime: "–",
    table: "Workflows",
    columns: {
      name: "Workflow",
      runs: "Läufe",
      failures: "Fehlgeschlagen",
      failure_rate: "Fehlerquote",
      avg_execution_time_ms: "Im Mittel",
      p95_execution_time_ms: "95 % in",
    },
    estimated: "Eine Schätzung, auf 5 % genau",
    showOnly: (name) => `Nur ${name} zeigen`,
    showAll: "Alle Workflows zeigen",
    only: "Workflow:",
    nowAll: (name) => `Jetzt sind alle Workflows zu sehen, nicht mehr nur ${name}.`,
    backTo: "Zurück dazu",
  },
  failures: {
    by: "Aufgelistet",
    bys: { message: "Nach Meldung", run: "Einzelne Läufe" },
    groups: "Fehlschläge nach Meldung",
    runs: "Fehlgeschlagene Läufe",
    none: "In diesem Zeitraum ist kein Lauf fehlgeschlagen",
    noneOfOne: "In diesem Zeitraum ist kein Lauf dieses Workflows fehlgeschlagen",
    notKept: (count) =>
      `${count} fehlgeschlagene Läufe sind gezählt, liegen für eine Liste aber zu lange zurück.`,
    noMessage: "Ohne Meldung",
    outcomes: {
      FAILED: "Mit einem Fehler beendet",
      FAILED_SAFETY_LIMIT: "Von der Sicherheitsgrenze gestoppt",
    },
    runCount: (count, shown) => (count === 1 ? "1 Lauf" : `${shown} Läufe`),
    inWorkflows: (first, others) =>
      others === 0
        ? first
        : others === 1
          ? `${first} und 1 weiterer Workflow`
          : `${first} und ${others} weitere Workflows`,
    first: "zuerst",
    last: "zuletzt",
    alike: "Meldungen wie",
    alikeWhy: "# steht für das, was sich von Lauf zu Lauf unterscheidet.",
    partly: (grouped, failed, since) =>
      `Dies sind die neuesten ${grouped} von ${failed} fehlgeschlagenen Läufen, seit ${since}.`,
    run: "Lauf",
    workflow: "Workflow",
    outcome: "Ausgang",
    took: "Dauer",
    ended: "Ende",
    copy: "Kopieren",
    copied: "Kopiert",
    cantCopy: "Kopieren geht hier nicht",
    copyId: "Kennung des Laufs",
    open: "Lauf öffnen",
    opensAt: (host) => `Öffnet ${host}`,
    link: {
      command: "Läufe mit Ihrem System verknüpfen …",
      title: "Link zu den Läufen",
      why: "Jeder fehlgeschlagene Lauf bekommt einen Link zu sich in Ihrem eigenen System.",
      address: "Adresse eines Laufs",
      placeholders: "Die Seite setzt die Kennungen des Laufs ein:",
      names: { executionId: "der Lauf", workflowId: "sein Workflow", organizationId: "diese Organisation" },
      preview: "Zum Beispiel",
      changed: (when, who) =>
        `Gesetzt: ${when}, ${who === null ? "mit einem Token, das niemanden nennt" : `von ${who}`}.`,
      save: "Speichern",
      saving: "Wird gespeichert …",
      remove: "Link entfernen",
      meanwhile: "Jemand anderes hat die Adresse inzwischen geändert. Sie lautet jetzt:",
      none: "keine Adresse",
      saveMine: "Meine trotzdem speichern",
      refused: (detail) =>
        detail === null
          ? "Speichern ist fehlgeschlagen."
          : `Speichern ist fehlgeschlagen. Der Dienst meldet: ${detail}.`,
      complaints: {
        scheme: "Die Adresse muss mit https:// beginnen.",
        blanks: "Die Adresse darf keine Leerzeichen und keine umgekehrten Schrägstriche haben.",
        host: "Der Rechnername muss feststehen: Platzhalter kommen erst danach.",
        address: "Das ist keine Adresse.",
        placeholders: "Geschweifte Klammern sind für die Platzhalter unten da.",
        needed: "Die Adresse braucht {executionId}; sonst hätten alle Läufe dieselbe.",
        long: "Die Adresse ist zu lang.",
      },
    },
  },
  deliveries: {
    none: "Keine Nachrichten in diesem Zeitraum",
    noneWhy:
      "Eine Nachricht wird gezählt, wenn sie versendet wird, und noch einmal, wenn eine Quittung ihre Ankunft meldet.",
    channels: "Kanäle",
    channel: "Kanal",
    sent: "Versendet",
    delivered: "Zugestellt",
    rate: "Zustellquote",
    rateShort: "Quote",
    noRate: "–",
    noRateWhy:
      "In diesem Zeitraum wurde keine Nachricht versendet; dies sind Quittungen früherer Nachrichten.",
    all: "Alle Kanäle",
    other: "Übrige Kanäle",
    unknown: "Ohne Angabe des Kanals",
    due: (missing, shown) =>
      missing === 1
        ? "1 Quittung der letzten Stunde kann noch kommen."
        : `${shown} Quittungen der letzten Stunde können noch kommen.`,
    dueSome: "Quittungen der letzten Stunde können noch kommen.",
    channelsFrom: (since) =>
      `Nachrichten, die vor ${since} versendet wurden, sind womöglich ohne ihren Kanal gezählt.`,
  },
  ownRange: {
    wholeHours: (range) => `Nach ganzen Stunden in UTC gezählt: ${range}`,
    other: (range) => `Von ${range}`,
    judged: (range) => `Beurteilt: ${range}`,
    judgedClosed: (range) => `Beurteilt: ${range}, ohne was noch offen ist`,
  },
  insights: {
    list: "Liste der Auffälligkeiten",
    next: "Was zu prüfen ist:",
    show: (figure) => `Im Diagramm zeigen: ${figure}`,
    none: "Nichts fällt auf",
    noneWhy:
      "Nichts in diesem Zeitraum weicht stark von dem ab, was bei dieser Organisation üblich ist – soweit sich das schon sagen lässt.",
    tooFew: "Zu wenige Daten für eine Aussage",
    tooFewWhy: (records) =>
      records === 0
        ? "In diesem Zeitraum wurde nichts gezählt. Ein längerer zeigt vielleicht mehr."
        : `In diesem Zeitraum ${records === 1 ? "wurde nur 1 Datensatz" : `wurden nur ${records} Datensätze`} gezählt. Ein längerer zeigt vielleicht mehr.`,
    incomplete: (since) => `Datensätze seit ${since} können fehlen.`,
    incompleteUnknown: "Datensätze können fehlen: Ein Teil wurde noch nie gelesen.",
    showAll: (count) => `Alle ${count} zeigen`,
    showFewer: "Weniger zeigen",
    told: toldInGerman,
  },
  thresholds: {
    command: "Schwellenwerte der Warnungen ändern …",
    commandToSee: "Schwellenwerte der Warnungen zeigen …",
    title: "Schwellenwerte der Warnungen",
    whose:
      "Sie gelten für die ganze Organisation: Alle, die diese Seite öffnen, sehen die Warnungen. Jede Kennzahl wird über den ganzen gezeigten Zeitraum beurteilt.",
    why: "Liegt eine Kennzahl jenseits ihres Schwellenwerts, wird gewarnt. Ein leeres Feld steht für die Vorgabe.",
    whyFixed:
      "Liegt eine Kennzahl jenseits ihres Schwellenwerts, wird gewarnt. Mit Ihrem Zugang können Sie die Werte nicht ändern.",
    warning: { up: "Warnung unter", down: "Warnung über" },
    critical: { up: "Kritisch unter", down: "Kritisch über" },
    leastSample: "Erst ab",
    samples: {
      payment_success_rate: "Zahlungen",
      workflow_failure_rate: "Läufen",
      message_delivery_rate: "Nachrichten",
    },
    isDefault: (value) => `Vorgabe: ${value}`,
    reset: "Auf die Vorgaben zurücksetzen",
    changed: (when, who) =>
      `Geändert: ${when}, ${who === null ? "mit einem Token, das niemanden nennt" : `von ${who}`}`,
    save: "Speichern",
    saving: "Wird gespeichert …",
    saved: (alerts) => (alerts === "" ? "Gespeichert" : `Gespeichert: ${alerts}`),
    cancel: "Abbrechen",
    complaints: {
      number: "Geben Sie eine Zahl ein, etwa 97,5.",
      range: (minimum, maximum) => `Von ${minimum} bis ${maximum}.`,
      decimals: "Höchstens eine Nachkommastelle.",
      sample: "Eine ganze Zahl ab 1.",
      order: {
        up: "„Kritisch“ darf nicht über „Warnung“ liegen.",
        down: "„Kritisch“ darf nicht unter „Warnung“ liegen.",
      },
      told: (detail) => `Der Dienst meldet: ${detail}.`,
    },
    meanwhile:
      "Jemand anderes hat die Schwellenwerte inzwischen geändert. Ihre Eingaben sind noch nicht gespeichert.",
    showTheirs: "Die anderen Werte zeigen",
    saveMine: "Meine trotzdem speichern",
    refused: (detail) =>
      detail === null
        ? "Speichern ist fehlgeschlagen."
        : `Speichern ist fehlgeschlagen. Der Dienst meldet: ${detail}.`,
    notLoaded: "Die Schwellenwerte konnten nicht geladen werden.",
  },
};
