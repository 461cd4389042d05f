//! The rule of changes: a KPI differs from the same hours, a week or a few weeks earlier. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, period, sum};
use crate::answer::insights::insight::{Insight, Severity};
use crate::answer::insights::statistics::{STANDARD_ERRORS, standard_error};
use crate::answer::registry::{self, Better, Kpi, Unit};
use crate::answer::thresholds::Thresholds;
use domain::Counters;
use std::collections::BTreeMap;

/// What KPIs of workflows are about.
const RUNS: &str = "workflow runs";

/// With a smaller sample nothing is said. Rates need it in both periods, counts in one.
const SAMPLE_MIN: i64 = 100;

/// A count or a time that changed by this share of itself stands out.
const SHARE: f64 = 0.3;

/// A rate that changed by this many points stands out.
const POINTS: f64 = 5.0;

/// The KPI's change, if it stands out.
pub fn of(history: &History, kpi: &Kpi, thresholds: &Thresholds) -> Option<Insight> {
    let hours = history.settled(kpi);
    let hours_before = history.weeks_before(hours)?;
    let (now, before) = (sum(hours), sum(hours_before));
    let samples = [now, before].map(|counters| kpi.sample(&counters));
    let [value, earlier] = [now, before].map(|counters| kpi.value(&counters).to_f64());
    if !is_sample(kpi.unit, samples) || !stands_out(kpi.unit, [value, earlier], samples) {
        return None;
    }
    let up = value > earlier;
    let (verb, word) = if up { ("rose", "up") } else { ("fell", "down") };
    let tenths = [now, before].map(|counters| kpi.value(&counters).tenths());
    let [shown, shown_before] = tenths.map(|number| kpi.unit.shown(number));
    let (period, before) = (period(hours)?, period(hours_before)?);
    let earlier = match history.weeks_between(before.from, period.from) {
        1 => "a week earlier".to_owned(),
        weeks => format!("{weeks} weeks earlier"),
    };
    Some(Insight {
        key: format!("{}_{word}", kpi.key),
        kpi: Some(kpi.key),
        severity: severity(kpi, up, &now, thresholds),
        title: format!("{} {verb}", kpi.subject()),
        sentence: format!(
            "{} {verb} to {shown}, from {shown_before} in the same hours {earlier}.",
            kpi.subject()
        ),
        period,
        compared_with: Some(before),
        workflow: None,
        numbers: numbers(kpi.unit, tenths, samples),
        next: if kpi.noun == RUNS {
            "See in the chart when that began, and in workflow health which workflows it comes from."
        } else {
            "See in the chart when that began."
        },
    })
}

/// The change is that of the shown values, as in comparisons.
fn numbers(unit: Unit, [value, before]: [Tenths; 2], samples: [i64; 2]) -> BTreeMap<&'static str, Tenths> {
    let mut numbers = BTreeMap::from([
        ("value", value),
        ("before", before),
        ("sample", Tenths::whole(samples[0])),
        ("sampleBefore", Tenths::whole(samples[1])),
    ]);
    numbers.extend(value.change_from(before).map(|change| ("deltaPercent", change)));
    if unit == Unit::Percent {
        numbers.insert("deltaPoints", value - before);
    }
    numbers
}

/// Whether the samples are large enough. A count that fell to nothing has changed; a rate of nothing has not.
fn is_sample(unit: Unit, samples: [i64; 2]) -> bool {
    let sample = match unit {
        Unit::Count => samples.into_iter().max(),
        Unit::Percent | Unit::Ms => samples.into_iter().min(),
    };
    sample.is_some_and(|sample| sample >= SAMPLE_MIN)
}

/// Whether the change is large, and too large for chance.
fn stands_out(unit: Unit, [value, earlier]: [f64; 2], samples: [i64; 2]) -> bool {
    let change = (value - earlier).abs();
    let large = match unit {
        Unit::Count => change >= SHARE * earlier && change >= STANDARD_ERRORS * (value + earlier).sqrt(),
        Unit::Percent => {
            change >= POINTS && change >= STANDARD_ERRORS * standard_error([value, earlier], samples)
        }
        Unit::Ms => change >= SHARE * earlier,
    };
    large && value != earlier
}

fn severity(kpi: &Kpi, up: bool, now: &Counters, thresholds: &Thresholds) -> Severity {
    let worse = up != (kpi.better == Better::Up);
    let alerted = kpi.alerts(now, thresholds).any(|alert| alert.severity() == registry::Severity::Critical);
    match (worse, alerted) {
        (false, _) => Severity::Info,
        (true, false) => Severity::Warning,
        (true, true) => Severity::Critical,
    }
}
