//! The rule of silence: something that used to be counted is not counted any more. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, period};
use crate::answer::insights::insight::{Insight, Severity};
use crate::answer::registry::Kpi;
use std::collections::BTreeMap;

/// Silence stands out if at least this many would be usual.
const EXPECTED_MIN: f64 = 20.0;

/// After this many silent hours somebody should act.
const HOURS_CRITICAL: usize = 3;

/// How many judged hours at the end count none of the KPI's sample.
pub fn hours(history: &History, kpi: &Kpi) -> usize {
    history.judged().iter().rev().take_while(|hour| kpi.sample(&hour.counters) == 0).count()
}

/// Nothing is counted any more, where something is usual.
pub fn at_the_end(history: &History, kpi: &Kpi) -> Option<Insight> {
    let judged = history.judged();
    let hours = hours(history, kpi);
    let silent = judged.len() - hours..judged.len();
    let expected: f64 = silent
        .clone()
        .filter_map(|index| history.usual(index, |counters| kpi.sample(counters)))
        .map(|usual| usual.median)
        .sum();
    if expected < EXPECTED_MIN {
        return None;
    }
    let since = judged.get(silent.start)?.start;
    let critical = hours >= HOURS_CRITICAL;
    let (noun, usual) = (kpi.noun, Tenths::near(expected));
    Some(Insight {
        key: format!("silence_{}", kpi.noun_key()),
        kpi: Some(kpi.key),
        severity: if critical { Severity::Critical } else { Severity::Warning },
        title: format!("No {noun} any more"),
        sentence: format!(
            "No {noun} since {}; {usual} are usual in these hours of the week.",
            history.shown(since)
        ),
        period: period(&judged[silent])?,
        compared_with: None,
        numbers: BTreeMap::from([("hours", Tenths::near(hours as f64)), ("expected", usual)]),
        next: "See whether the system that publishes them runs, and whether its records are refused.",
    })
}
