//! The rule of silence: something that used to be counted is not counted any more. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, period};
use crate::answer::insights::insight::{Insight, Severity};
use crate::answer::registry::Kpi;
use crate::answer::words;
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
    let noun = kpi.noun;
    Some(Insight {
        key: format!("silence_{}", kpi.noun_key()),
        kpi: Some(kpi.key),
        severity: if critical { Severity::Critical } else { Severity::Warning },
        title: format!("{} have stopped", words::capitalised(noun)),
        sentence: format!(
            "There have been no {noun} since {}. At this time of the week, {} would be normal.",
            history.shown(since),
            words::about(expected)
        ),
        period: period(&judged[silent])?,
        compared_with: None,
        workflow: None,
        numbers: BTreeMap::from([
            ("hours", Tenths::near(hours as f64)),
            ("expected", Tenths::near(expected)),
        ]),
        next: "Check whether the system that publishes them is running, and whether its records are being refused.",
    })
}
