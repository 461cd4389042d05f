// The words of the pieces that are loaded later, by the room that shows them.

import type { InsightFacts, InsightWords } from "./insightFacts";

export const enLater = {
  entry: {
    title: "Sign in",
    about: "Orders, payments, workflows and messages of your organization, as they happen.",
    facts: {
      exact: "Every record is counted exactly once",
      fresh: "New records show within seconds",
      alerts: "What needs attention stands out",
    },
    signInAt: (host: string) => `Sign in with ${host}`,
    useToken: "Use an access token instead",
    token: "Access token",
    tokenHint: "It begins with eyJ. A link that ends with #token=… signs you in, too.",
    show: "Show the metrics",
    notAToken: "This isn’t an access token: one begins with eyJ and has three parts, separated by dots.",
    tokenExpired: (time: string) => `This token expired at ${time}. Ask for a new one.`,
    tokenStays:
      "The token stays in this tab. It is sent to this service only, and forgotten when you close the tab or sign out.",
    signInStays: "Your sign-in is kept in this tab only, and forgotten when you close the tab or sign out.",
    /** Around whom to ask. */
    contact: {
      before: "No access yet? Ask ",
      after: ".",
      unknown: "No access yet? Ask whoever runs this page in your company.",
    },
    ended: { title: "Your sign-in has ended.", why: "Sign in again to go on where you were." },
    refused: {
      title: "That token isn’t accepted.",
      why: "It may have expired, or be meant for another system.",
    },
    /** By why a sign-in has failed; `host` is the provider. */
    failures: {
      insecure: () => ({
        title: "Signing in needs a secure connection.",
        why: "Open this page by its address that begins with https.",
      }),
      unreachable: (host: string) => ({
        title: `${host} can’t be reached.`,
        why: "Check your connection and try again.",
      }),
      refused: (host: string) => ({ title: `${host} refused the sign-in.`, why: "" }),
      lost: () => ({
        title: "This sign-in can’t be finished.",
        why: "It was begun in another tab, or too long ago. Please start again.",
      }),
      unusable: (host: string) => ({
        title: `${host} gave no token that this service can read.`,
        why: "It has to be set up there: access tokens for this service must be JWTs.",
      }),
      broken: (host: string) => ({
        title: `The answer of ${host} can’t be used.`,
        why: "Try again. If that doesn’t help, whoever runs this page has to know.",
      }),
    },
    saidByProvider: (detail: string) => `(${detail})`,
    choose: {
      title: "Which organization?",
      why: "You have access to several. You can switch at any time.",
      unmet: (id: string) => `The link is for “${id}”, to which you have no access. Choose another one.`,
      find: "Find an organization",
      none: "No organization is called that.",
    },
    noAccess: {
      noOrganization: {
        title: "Not linked to an organization",
        why: "You are signed in, but not for an organization whose numbers could be shown.",
      },
      otherOrganization: {
        title: "No access to this organization",
        why: "You are signed in, but not for this organization.",
      },
      insufficientScope: {
        title: "No access to the metrics",
        why: "You are signed in, but not allowed to read metrics.",
      },
      signedInAs: "Signed in as",
      missing: "Missing in the token",
      otherToken: "Use another token",
      otherPerson: "Sign in as somebody else",
      /** Of an e-mail to whoever gives access. */
      subject: "Access to business metrics",
      account: (person: string) => `Account: ${person}`,
    },
    switch: {
      title: (other: string) => `Switch to ${other}?`,
      why: (
        held: { organization: string; person: string | null },
        other: { organization: string; person: string | null },
      ) => {
        const as = (person: string | null) => (person === null ? "" : ` as ${person}`);
        return `You are signed in for ${held.organization}${as(held.person)}. This link is for ${other.organization}${as(other.person)}, and would replace that in this tab.`;
      },
      keep: (name: string) => `Keep ${name}`,
      take: (name: string) => `Switch to ${name}`,
      unnamed: "somebody else",
    },
  },
  sessionNotes: {
    endsAt: (time: string) => `Your sign-in ends at ${time}.`,
    endsForToken: "To go on after that, paste a new token.",
    endsForProvider: (host: string) => `Then this page goes to ${host} and comes back to this view.`,
    signInNow: "Sign in now",
    unmet: {
      title: (id: string) => `This link is for “${id}”.`,
      why: "You have no access to that organization. The numbers shown are of yours.",
    },
    passedOver: {
      unreadable: "The token in that link can’t be read.",
      expired: "The token in that link has expired.",
      why: "You are still signed in as before.",
    },
  },
  /** Of what in the address, and of the system, wasn’t understood. */
  notes: {
    zone: (given: string, used: string) => `The time zone “${given}” isn’t known. Times are of ${used}.`,
    parameter: (name: string, given: string) => `“${given}” can’t be used as ${name}. The usual one is used.`,
    parameters: {
      range: "period",
      from: "beginning of the period",
      to: "end of the period",
      timezone: "time zone",
      granularity: "width of a bucket",
      compare: "comparison",
      metric: "figure",
      workflow: "workflow",
      sort: "order of the workflows",
    },
    systemZone: (used: string) => `This system’s time zone isn’t known. Times are of ${used}.`,
    systemLanguage: "This system’s language isn’t known. Numbers and dates are written as in English.",
  },
  /** By the alert's key: its value, its sample, and the threshold. */
  alertSentences: {
    payment_success_low: (value: string, sample: string, threshold: string) =>
      `${value} of ${sample} payments succeeded, which is below ${threshold}.`,
    workflow_failures_high: (value: string, sample: string, threshold: string) =>
      `${value} of ${sample} workflow runs failed, which is above ${threshold}.`,
    message_delivery_low: (value: string, sample: string, threshold: string) =>
      `${value} of ${sample} messages older than an hour were delivered, which is below ${threshold}.`,
  } as Readonly<Record<string, (value: string, sample: string, threshold: string) => string>>,
  footer: {
    comparedPart: "Compared:",
    withPart: "with",
    answered: "Answered",
    approximate: "Approximate before",
    approximateWhy:
      "In this time zone, records before this instant are counted by whole hours of UTC, up to 45 minutes off.",
  },
  chart: {
    opensDay: "Click, or press Enter, for the hours of this day.",
    hours: "Show the hours of this day",
  },
  commandList: {
    find: "Find a command",
    findBy: "What do you want to do?",
    found: (count: number) => (count === 1 ? "1 command" : `${count} commands`),
    none: "There is no such command.",
    keys: "Keys",
    showKeys: "Show all keys",
    singleKeys: "Run commands by single keys",
    groups: {
      range: "Period",
      metric: "In the chart",
      compare: "Compared with",
      zone: "Time zone",
      panel: "Go to",
      work: "Numbers",
      page: "Page",
    },
    nextPanel: "Go to the next panel",
    previousPanel: "Go to the previous panel",
    liveOn: "Live mode on",
    liveOff: "Live mode off",
    appearance: (theme: string) => `Appearance: ${theme}`,
    otherAppearance: "Light or dark",
    language: (language: string) => `Language: ${language}`,
    organization: (name: string) => `Organization: ${name}`,
  },
  picking: {
    usualPeriods: "Usual periods",
    days: "Days",
    previousMonth: "Previous month",
    nextMonth: "Next month",
    /** A day of the calendar, as a screen reader says it. */
    day: (date: string, today: boolean, selected: boolean) =>
      `${today ? "Today, " : ""}${date}${selected ? ", selected" : ""}`,
    from: "From",
    to: "To",
    fromTime: "From, time",
    toTime: "To, time",
    timesHint: (zone: string) => `Leave the times empty for whole days. Time zone: ${zone}.`,
    show: "Show",
    showDays: (count: number) => (count === 1 ? "Show 1 day" : `Show ${count} days`),
    periodTroubles: {
      incomplete: "Choose a first and a last day.",
      reversed: "The end must be after the start.",
      future: "This period hasn’t begun yet.",
    },
    tooLong: (days: number, from: string) =>
      `At most ${days} days are shown at once. This will begin on ${from}.`,
    wholeDays: (days: number) => `Whole days are counted: there are hours for at most ${days} days.`,
    findZone: "Find a time zone",
    findZoneBy: "City, country, IST or UTC+1",
    zones: "Time zones",
    zonesFound: (count: number) => (count === 1 ? "1 time zone" : `${count} time zones`),
    noZone: "No time zone is known by that.",
    systemZone: "this system’s",
    chosen: "chosen",
  },
  welcome: {
    title: "Nothing has been counted yet",
    before: "This page fills by itself once records of",
    after:
      "arrive. If some should be here already, look for a longer period first, then whether they carry this very id.",
    sources: {
      events: { name: "Events", words: "Orders, payments, and the organization’s name and plan" },
      workflows: { name: "Workflow outcomes", words: "How each run ended and how long it took" },
      messages: { name: "Message deliveries", words: "Messages sent, delivered and read" },
    },
  },
  workflows: {
    none: "No workflow finished in this period",
    noneWhy: "Runs are counted when they end, whatever their outcome.",
    noneOfOne: "This workflow finished no run in this period",
    outcomes: "How runs ended",
    succeeded: "Succeeded",
    failed: "Failed",
    /** Of the failed runs; the others ended with an error. */
    stopped: (count: string) => `${count} of these stopped by the safety limit`,
    times: "How long runs took",
    mean: "Mean",
    half: "Half within",
    within: (percent: number) => `${percent}% within`,
    noTime: "–",
    table: "Workflows",
    columns: {
      name: "Workflow",
      runs: "Runs",
      failures: "Failed",
      failure_rate: "Failure rate",
      avg_execution_time_ms: "Mean time",
      p95_execution_time_ms: "95% within",
    },
    estimated: "An estimate, up to 5% off",
    showOnly: (name: string) => `Show only ${name}`,
    showAll: "Show all workflows",
    only: "Workflow:",
    nowAll: (name: string) => `Now all workflows are shown, no longer only ${name}.`,
    backTo: "Back to it",
  },
  failures: {
    by: "Listed",
    bys: { message: "By message", run: "Single runs" },
    groups: "Failures by message",
    runs: "Failed runs",
    none: "No run failed in this period",
    noneOfOne: "No run of this workflow failed in this period",
    /** The counters know of failures that are too old to be listed. */
    notKept: (count: string) => `${count} failed runs are counted, but too long ago to be listed.`,
    noMessage: "No message",
    outcomes: { FAILED: "Failed with an error", FAILED_SAFETY_LIMIT: "Stopped by the safety limit" },
    runCount: (count: number, shown: string) => (count === 1 ? "1 run" : `${shown} runs`),
    inWorkflows: (first: string, others: number) =>
      others === 0
        ? first
        : others === 1
          ? `${first} and 1 more workflow`
          : `${first} and ${others} more workflows`,
    first: "first",
    last: "last",
    alike: "Messages like",
    alikeWhy: "# stands for what differs from run to run.",
    partly: (grouped: string, failed: string, since: string) =>
      `These are the newest ${grouped} of ${failed} failed runs, since ${since}.`,
    run: "Run",
    workflow: "Workflow",
    outcome: "Outcome",
    took: "Took",
    ended: "Ended",
    copy: "Copy",
    copied: "Copied",
    cantCopy: "Can’t copy here",
    copyId: "run id",
    open: "Open run",
    opensAt: (host: string) => `Opens at ${host}`,
    link: {
      command: "Link runs to your system…",
      title: "Link to runs",
      why: "Each failed run gets a link to itself in your own system.",
      address: "Address of a run",
      placeholders: "The page puts in the ids of the run:",
      names: { executionId: "the run", workflowId: "its workflow", organizationId: "this organization" },
      preview: "For example",
      /** `who` is null if the token named nobody. */
      changed: (when: string, who: string | null) =>
        `Set ${when}, ${who === null ? "with a token that names nobody" : `by ${who}`}.`,
      save: "Save",
      saving: "Saving …",
      remove: "Remove the link",
      meanwhile: "Somebody else has changed this address meanwhile. This is theirs:",
      none: "no address",
      saveMine: "Save mine anyway",
      refused: (detail: string | null) =>
        detail === null ? "It couldn’t be saved." : `It couldn’t be saved: ${detail}.`,
      complaints: {
        scheme: "The address must begin with https://",
        blanks: "The address must have no blanks and no backslashes.",
        host: "The host must be fixed: placeholders come after it.",
        address: "This is no address.",
        placeholders: "Curly brackets are for the placeholders below.",
        needed: "The address must have {executionId}; otherwise all runs would have the same.",
        long: "The address is too long.",
      },
    },
  },
  deliveries: {
    none: "No messages in this period",
    noneWhy: "A message is counted when it is sent, and once more when a receipt says that it arrived.",
    channels: "Channels",
    channel: "Channel",
    sent: "Sent",
    delivered: "Delivered",
    rate: "Delivery rate",
    rateShort: "Rate",
    noRate: "–",
    noRateWhy: "No message was sent in this period; these are receipts of earlier ones.",
    all: "All channels",
    other: "Other channels",
    unknown: "No channel named",
    due: (missing: number, shown: string) =>
      missing === 1
        ? "1 receipt of the last hour may still come."
        : `${shown} receipts of the last hour may still come.`,
    dueSome: "Receipts of the last hour may still come.",
    channelsFrom: (since: string) =>
      `Messages sent before ${since} may have been counted without their channel.`,
  },
  /** Of a panel whose answer is of another range than the page. */
  ownRange: {
    wholeHours: (range: string) => `Counted by whole hours of UTC: ${range}`,
    other: (range: string) => `Of ${range}`,
    judged: (range: string) => `Judged: ${range}`,
    judgedClosed: (range: string) => `Judged: ${range}, without what is still open`,
  },
  insights: {
    list: "List of insights",
    next: "What to check:",
    /** The figure that the chart will show. */
    show: (figure: string) => `Show in the chart: ${figure}`,
    none: "Nothing stands out",
    noneWhy:
      "Nothing in this period differs much from the organization’s own history, as far as there is one.",
    tooFew: "Too little data to tell",
    tooFewWhy: (records: number) =>
      records === 0
        ? "Nothing was counted in this period. A longer one may show more."
        : `Only ${records === 1 ? "1 record was" : `${records} records were`} counted in this period. A longer one may show more.`,
    incomplete: (since: string) => `Some records since ${since} may be missing.`,
    incompleteUnknown: "Some records may be missing: part of them has never been read.",
    showAll: (count: number) => `Show all ${count}`,
    showFewer: "Show fewer",
    /** The words for what was found; null leaves it to the API, which speaks English. */
    told: ((): InsightWords | null => null) as (facts: InsightFacts) => InsightWords | null,
  },
  thresholds: {
    command: "Change the thresholds of alerts…",
    commandToSee: "Show the thresholds of alerts…",
    title: "Thresholds of alerts",
    whose:
      "These are the organization’s: everybody who opens this page sees the alerts. Each figure is judged over the whole period that is shown.",
    why: "A figure beyond its threshold is an alert. An empty field means the default.",
    whyFixed: "A figure beyond its threshold is an alert. Your access doesn’t allow changing them.",
    warning: { up: "Warning below", down: "Warning above" },
    critical: { up: "Critical below", down: "Critical above" },
    leastSample: "With at least",
    /** What a sample is of, by the alert's KPI; others are shown without. */
    samples: {
      payment_success_rate: "payments",
      workflow_failure_rate: "runs",
      message_delivery_rate: "messages",
    } as Readonly<Record<string, string>>,
    isDefault: (value: string) => `Default: ${value}`,
    reset: "Reset to the defaults",
    /** `who` is null if the token named nobody. */
    changed: (when: string, who: string | null) =>
      `Changed ${when}, ${who === null ? "with a token that names nobody" : `by ${who}`}`,
    save: "Save",
    saving: "Saving …",
    saved: (alerts: string) => (alerts === "" ? "Saved" : `Saved: ${alerts}`),
    cancel: "Cancel",
    complaints: {
      number: "Type a number, such as 97.5.",
      range: (minimum: string, maximum: string) => `From ${minimum} to ${maximum}.`,
      decimals: "One decimal at most.",
      sample: "A whole number, 1 or more.",
      order: {
        up: "“Critical” must not be above “warning”.",
        down: "“Critical” must not be below “warning”.",
      },
      told: (detail: string) => `The service says: ${detail}.`,
    },
    meanwhile: "Somebody else has changed the thresholds meanwhile. Nothing of yours is saved yet.",
    showTheirs: "Show theirs",
    saveMine: "Save mine anyway",
    refused: (detail: string | null) =>
      detail === null ? "They couldn’t be saved." : `They couldn’t be saved: ${detail}.`,
    notLoaded: "The thresholds couldn’t be loaded.",
  },
};
