//! The rules of what stands out. Each says nothing where its sample is too small. Pure.

use super::past::{Hour, Past, WEEK, sum};
use super::{Insight, Rows, Severity};
use crate::answer::decimal::Tenths;
use crate::answer::registry::{self, Better, KPIS, Kpi, Unit};
use crate::answer::workflow_health::Workflow;
use crate::request::compare::Interval;
use domain::Counters;
use std::collections::BTreeMap;

/// Silence is worth a word where at least so much was to be expected.
const SILENCE_EXPECTED_MIN: f64 = 20.0;
/// So many silent hours, and somebody should act.
const SILENCE_HOURS_CRITICAL: usize = 3;

/// An hour with less, and usually less, says too little.
const HOUR_SAMPLE_MIN: f64 = 20.0;
/// An hour is unusual that is so many spreads away from its median,
const HOUR_SPREADS: f64 = 5.0;
/// and so many times as much, or as little.
const HOUR_TIMES: f64 = 2.0;
/// Even steady traffic varies by this part of itself.
const SPREAD_MIN: f64 = 0.1;
/// A median absolute deviation times this is a standard deviation, of what is normally distributed.
const DEVIATIONS_A_SPREAD: f64 = 1.482_6;

/// A change is said where both periods have so much, or for a count one of them.
const CHANGE_SAMPLE_MIN: i64 = 100;
/// Counts and times that changed by this part of themselves,
const CHANGE_PART: f64 = 0.3;
/// and rates that changed by so many points, stand out,
const CHANGE_POINTS: f64 = 5.0;
/// if chance would need so many standard errors for it.
const STANDARD_ERRORS: f64 = 4.0;

/// The KPI that falls last, because receipts come later: it has a rule of its own.
const DELIVERY: &str = "message_delivery_rate";
/// Messages of this last hour may still be on their way.
const DELIVERY_SETTLING_HOURS: usize = 1;
/// Messages that a drop in delivery needs, now,
const DELIVERY_SAMPLE_MIN: i64 = 50;
/// and before.
const DELIVERY_HISTORY_MIN: i64 = 200;
/// A drop by so many points stands out,
const DELIVERY_POINTS: f64 = 10.0;
/// and by so many somebody should act.
const DELIVERY_POINTS_CRITICAL: f64 = 25.0;

/// Fewer failures don't concentrate anywhere.
const CONCENTRATION_FAILURES_MIN: i64 = 20;
/// A workflow with this part of all failures stands out,
const CONCENTRATION_PART: f64 = 0.6;
/// if that is so many times its part of the runs.
const CONCENTRATION_TIMES: f64 = 2.0;

/// All that stands out.
pub fn all(past: &Past, rows: &Rows) -> Vec<Insight> {
    let mut insights = Vec::new();
    for kpi in volumes() {
        insights.extend(silence(past, kpi));
        insights.extend(unusual_hours(past, kpi));
    }
    insights.extend(KPIS.iter().filter(|kpi| kpi.key != DELIVERY).filter_map(|kpi| change(past, kpi)));
    insights.extend(KPIS.iter().filter(|kpi| kpi.key == DELIVERY).filter_map(|kpi| drop_in(past, kpi)));
    insights.extend(concentration(past, rows));
    insights
}

/// A KPI for each kind of thing that is counted: the first that speaks of it.
fn volumes() -> impl Iterator<Item = &'static Kpi> {
    let first = |kpi: &&Kpi| KPIS.iter().find(|other| other.of == kpi.of).is_some_and(|f| f.key == kpi.key);
    KPIS.iter().filter(first)
}

/// How many judged hours at the end have none of what the KPI speaks of.
fn silent_hours(past: &Past, kpi: &Kpi) -> usize {
    past.judged().iter().rev().take_while(|hour| (kpi.sample)(&hour.counters) == 0).count()
}

/// Nothing where there used to be something.
fn silence(past: &Past, kpi: &Kpi) -> Option<Insight> {
    let judged = past.judged();
    let hours = silent_hours(past, kpi);
    let silent = judged.len() - hours..judged.len();
    let expected: f64 =
        silent.clone().filter_map(|place| past.usual(place, kpi.sample)).map(|usual| usual.median).sum();
    if expected < SILENCE_EXPECTED_MIN {
        return None;
    }
    let since = judged.get(silent.start)?.start;
    let critical = hours >= SILENCE_HOURS_CRITICAL;
    let (of, usual) = (kpi.of, Tenths::near(expected));
    Some(Insight {
        key: format!("silence_{}", name(of)),
        kpi: Some(kpi.key),
        severity: if critical { Severity::Critical } else { Severity::Warning },
        title: format!("No {of} any more"),
        sentence: format!(
            "No {of} since {}; {usual} are usual in these hours of the week.",
            past.said(since)
        ),
        period: over(&judged[silent])?,
        numbers: BTreeMap::from([("hours", Tenths::near(hours as f64)), ("expected", usual)]),
        next: "See whether the system that publishes them runs, and whether its records are refused.",
    })
}

/// The hour that is furthest from what is usual for its hour of the week, above and below.
fn unusual_hours(past: &Past, kpi: &Kpi) -> Vec<Insight> {
    let judged = past.judged();
    let mut above: Vec<(f64, usize)> = Vec::new();
    let mut below: Vec<(f64, usize)> = Vec::new();
    for (place, hour) in judged.iter().enumerate().take(judged.len() - silent_hours(past, kpi)) {
        let Some(usual) = past.usual(place, kpi.sample) else { continue };
        let value = (kpi.sample)(&hour.counters) as f64;
        let spread = (usual.deviation * DEVIATIONS_A_SPREAD).max(usual.median * SPREAD_MIN);
        let far = (value - usual.median).abs();
        if usual.median == 0.0 || value.max(usual.median) < HOUR_SAMPLE_MIN || far < HOUR_SPREADS * spread {
            continue;
        }
        if value >= usual.median * HOUR_TIMES {
            above.push((far / spread, place));
        } else if value * HOUR_TIMES <= usual.median {
            below.push((far / spread, place));
        }
    }
    let said = [
        ("high", "Unusually many", Severity::Info, above),
        ("low", "Unusually few", Severity::Warning, below),
    ];
    let insight = |(side, words, severity, hours): (&str, &str, Severity, Vec<(f64, usize)>)| {
        // Of equals the first.
        let (spreads, place) = hours.iter().copied().reduce(|a, b| if b.0 > a.0 { b } else { a })?;
        let hour = judged.get(place)?;
        let usual = Tenths::near(past.usual(place, kpi.sample)?.median);
        let (of, value) = (kpi.of, Tenths::whole((kpi.sample)(&hour.counters)));
        let more = match hours.len() {
            1 => String::new(),
            all => format!(" It is the most unusual of {all} such hours."),
        };
        Some(Insight {
            key: format!("unusually_{side}_{}", name(of)),
            kpi: Some(kpi.key),
            severity,
            title: format!("{words} {of}"),
            sentence: format!(
                "{value} {of} in the hour from {}, where {usual} are usual for that hour of the week.{more}",
                past.said(hour.start)
            ),
            period: Interval { from: hour.start, to: hour.end },
            numbers: BTreeMap::from([
                ("value", value),
                ("usual", usual),
                ("spreads", Tenths::near(spreads)),
                ("hours", Tenths::near(hours.len() as f64)),
            ]),
            next: "Look at the trends of that day by the hour, and at what was released or sent out then.",
        })
    };
    said.into_iter().filter_map(insight).collect()
}

/// A KPI that changed against the same hours a week, or as many weeks as it takes, before.
fn change(past: &Past, kpi: &Kpi) -> Option<Insight> {
    let (now, before) = (sum(past.judged()), sum(past.weeks_before()?));
    let samples = [now, before].map(|counters| (kpi.sample)(&counters));
    // A count that fell to nothing is a change, a rate of nothing is none.
    let sample = match kpi.unit {
        Unit::Count => samples.into_iter().max(),
        Unit::Percent | Unit::Ms => samples.into_iter().min(),
    };
    if sample.is_none_or(|sample| sample < CHANGE_SAMPLE_MIN) {
        return None;
    }
    let values = [now, before].map(|counters| (kpi.value)(&counters).to_f64());
    let [value, earlier] = values;
    let stands_out = match kpi.unit {
        Unit::Count => {
            (value - earlier).abs() >= CHANGE_PART * earlier
                && (value - earlier).abs() >= STANDARD_ERRORS * (value + earlier).sqrt()
        }
        Unit::Percent => {
            (value - earlier).abs() >= CHANGE_POINTS
                && (value - earlier).abs() >= STANDARD_ERRORS * standard_error(values, samples)
        }
        Unit::Ms => (value - earlier).abs() >= CHANGE_PART * earlier,
    };
    (stands_out && value != earlier).then_some(())?;
    let (up, better) = (value > earlier, kpi.better);
    let worse = up != (better == Better::More);
    let alarmed = kpi.alerts(&now).any(|alert| alert.severity() == registry::Severity::Critical);
    let severity = match (worse, alarmed) {
        (false, _) => Severity::Info,
        (true, false) => Severity::Warning,
        (true, true) => Severity::Critical,
    };
    let (verb, word) = if up { ("rose", "up") } else { ("fell", "down") };
    let (shown, shown_before) = ((kpi.value)(&now).tenths(), (kpi.value)(&before).tenths());
    let unit = kpi.unit.suffix();
    let hours = if past.judged().len() <= WEEK { "the same hours of the week" } else { "the weeks" };
    Some(Insight {
        key: format!("{}_{word}", kpi.key),
        kpi: Some(kpi.key),
        severity,
        title: format!("{} {verb}", kpi.label),
        sentence: format!(
            "{} {verb} from {shown_before}{unit} to {shown}{unit} against {hours} before.",
            kpi.label
        ),
        period: over(past.judged())?,
        numbers: BTreeMap::from([
            ("value", shown),
            ("before", shown_before),
            ("sample", Tenths::whole(samples[0])),
            ("sampleBefore", Tenths::whole(samples[1])),
        ]),
        next: "Look at the trends to see when it began, and at workflow health if runs are part of it.",
    })
}

/// The standard error of the difference of two rates in percent, if they were one.
fn standard_error([a, b]: [f64; 2], [of_a, of_b]: [i64; 2]) -> f64 {
    let (of_a, of_b) = (of_a as f64, of_b as f64);
    let rate = (a * of_a + b * of_b) / (of_a + of_b) / 100.0;
    100.0 * (rate * (1.0 - rate).max(0.0) * (1.0 / of_a + 1.0 / of_b)).sqrt()
}

/// Fewer messages delivered than in all the weeks before.
fn drop_in(past: &Past, kpi: &Kpi) -> Option<Insight> {
    let judged = past.judged();
    let settled = &judged[..judged.len().saturating_sub(DELIVERY_SETTLING_HOURS)];
    let (now, before) = (sum(settled), sum(past.before()));
    let samples = [now, before].map(|counters: Counters| (kpi.sample)(&counters));
    if samples[0] < DELIVERY_SAMPLE_MIN || samples[1] < DELIVERY_HISTORY_MIN {
        return None;
    }
    let values = [now, before].map(|counters| (kpi.value)(&counters).to_f64());
    let drop = values[1] - values[0];
    if drop < DELIVERY_POINTS || drop < STANDARD_ERRORS * standard_error(values, samples) {
        return None;
    }
    let (shown, usual) = ((kpi.value)(&now).tenths(), (kpi.value)(&before).tenths());
    Some(Insight {
        key: "delivery_drop".into(),
        kpi: Some(kpi.key),
        severity: if drop >= DELIVERY_POINTS_CRITICAL { Severity::Critical } else { Severity::Warning },
        title: "Fewer messages arrive".into(),
        sentence: format!(
            "{shown} % of {} messages were delivered, where it had been {usual} % in the weeks before.",
            samples[0]
        ),
        period: over(settled)?,
        numbers: BTreeMap::from([
            ("value", shown),
            ("before", usual),
            ("sample", Tenths::whole(samples[0])),
            ("sampleBefore", Tenths::whole(samples[1])),
        ]),
        next: "See which channel's receipts fail or are missing, and whether receipts are merely late.",
    })
}

/// One workflow that has most of the failures, and not because it has most of the runs.
fn concentration(past: &Past, rows: &Rows) -> Option<Insight> {
    let failures = |workflow: &Workflow| workflow.runs.failed + workflow.runs.failed_safety_limit;
    let (all, runs) = (rows.totals.failed + rows.totals.failed_safety_limit, rows.totals.total);
    let most = rows.workflows.iter().max_by_key(|workflow| failures(workflow))?;
    if all < CONCENTRATION_FAILURES_MIN || most.runs.total >= runs {
        return None;
    }
    let part = |part: i64, whole: i64| part as f64 / whole as f64;
    let (of_failures, of_runs) = (part(failures(most), all), part(most.runs.total, runs));
    if of_failures < CONCENTRATION_PART || of_failures < CONCENTRATION_TIMES * of_runs {
        return None;
    }
    let judged = sum(past.judged());
    let alarmed = KPIS.iter().filter(|kpi| kpi.key == FAILURES).any(|kpi| kpi.alerts(&judged).count() > 0);
    let percent = |part: f64| Tenths::near(part * 100.0);
    let name = if most.name.is_empty() { &most.id } else { &most.name };
    Some(Insight {
        key: "failures_concentrated".into(),
        kpi: Some(FAILURES),
        severity: if alarmed { Severity::Warning } else { Severity::Info },
        title: format!("Most failures are of one workflow: {name}"),
        sentence: format!(
            "{name} has {} % of the {all} failed runs, with {} % of all runs.",
            percent(of_failures),
            percent(of_runs)
        ),
        period: over(past.judged())?,
        numbers: BTreeMap::from([
            ("failures", Tenths::whole(failures(most))),
            ("allFailures", Tenths::whole(all)),
            ("percentOfFailures", percent(of_failures)),
            ("percentOfRuns", percent(of_runs)),
        ]),
        next: "Look at its recent failures in workflow health: their messages say what it runs into.",
    })
}

/// The KPI that a concentration of failures is about.
const FAILURES: &str = "workflow_failure_rate";

/// The hours as one interval.
fn over(hours: &[Hour]) -> Option<Interval> {
    Some(Interval { from: hours.first()?.start, to: hours.last()?.end })
}

fn name(of: &str) -> String {
    of.replace(' ', "_")
}
