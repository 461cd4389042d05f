//! The rule of unusual hours: an hour counts far more, or far less, than that hour of the week usually does. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, Usual};
use crate::answer::insights::insight::{Insight, Severity};
use crate::answer::insights::rules::silence;
use crate::answer::registry::Kpi;
use crate::answer::words;
use crate::request::interval::Interval;
use std::collections::BTreeMap;

/// An hour that counts less, and usually counts less, has too small a sample.
const SAMPLE_MIN: f64 = 20.0;

/// An hour is unusual only if it is at least this many spreads from its median.
const SPREADS: f64 = 5.0;

/// And only if it is at least this multiple of the median, or at most the median divided by this.
const TIMES: f64 = 2.0;

/// The least spread, as a share of the median: even steady traffic varies.
const SPREAD_MIN: f64 = 0.1;

/// Of a normal distribution, the standard deviation over the median absolute deviation.
const STANDARD_DEVIATIONS: f64 = 1.482_6;

/// The side of the median on which an hour is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    High,
    Low,
}

/// A judged hour that is unusual.
#[derive(Clone, Copy)]
struct Unusual {
    index: usize,
    side: Side,
    /// How far it is from its median, in spreads.
    spreads: f64,
    median: f64,
}

/// The most unusual hour above what is usual, and the most unusual one below. Silence at the end has a rule of its own.
pub fn hours(history: &History, kpi: &Kpi) -> Vec<Insight> {
    let judged = history.judged();
    let heard = judged.iter().enumerate().take(judged.len() - silence::hours(history, kpi));
    let unusual: Vec<_> = heard
        .filter_map(|(index, hour)| {
            let value = kpi.sample(&hour.counters) as f64;
            judge(index, value, history.usual(index, |counters| kpi.sample(counters))?)
        })
        .collect();
    let most = |side| insight(history, kpi, &on(side, &unusual));
    [Side::High, Side::Low].into_iter().filter_map(most).collect()
}

fn on(side: Side, unusual: &[Unusual]) -> Vec<Unusual> {
    unusual.iter().copied().filter(|hour| hour.side == side).collect()
}

fn judge(index: usize, value: f64, Usual { median, deviation }: Usual) -> Option<Unusual> {
    let spread = (deviation * STANDARD_DEVIATIONS).max(median * SPREAD_MIN);
    let distance = (value - median).abs();
    if median == 0.0 || value.max(median) < SAMPLE_MIN || distance < SPREADS * spread {
        return None;
    }
    let side = if value >= median * TIMES {
        Side::High
    } else if value * TIMES <= median {
        Side::Low
    } else {
        return None;
    };
    Some(Unusual { index, side, spreads: distance / spread, median })
}

/// The insight about the furthest of these hours, all on one side; the first of equally far ones.
fn insight(history: &History, kpi: &Kpi, hours: &[Unusual]) -> Option<Insight> {
    let most = hours.iter().copied().reduce(|a, b| if b.spreads > a.spreads { b } else { a })?;
    let hour = history.judged().get(most.index)?;
    let (name, more_or_fewer, severity) = match most.side {
        Side::High => ("high", "more", Severity::Info),
        Side::Low => ("low", "fewer", Severity::Warning),
    };
    let (noun, value) = (kpi.noun, kpi.sample(&hour.counters));
    let were = if value == 1 { "was" } else { "were" };
    let others = match hours.len() {
        1 => String::new(),
        all => format!(" Of {all} hours like that, this one stands out most."),
    };
    Some(Insight {
        key: format!("unusually_{name}_{}", kpi.noun_key()),
        kpi: Some(kpi.key),
        severity,
        title: format!("Far {more_or_fewer} {noun} than usual"),
        sentence: format!(
            "There {were} {} between {} and {}; {} would be normal for that hour of the week.{others}",
            words::things(value, noun),
            history.clock(hour.start),
            history.shown(hour.end),
            words::about(most.median)
        ),
        period: Interval { from: hour.start, to: hour.end },
        compared_with: None,
        workflow: None,
        numbers: BTreeMap::from([
            ("value", Tenths::whole(value)),
            ("usual", Tenths::near(most.median)),
            ("spreads", Tenths::near(most.spreads)),
            ("hours", Tenths::near(hours.len() as f64)),
        ]),
        next: "Look at that day hour by hour, and at what was released or sent out around that time.",
    })
}
