//! The rule of delivery: fewer messages are delivered than before. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, period, sum};
use crate::answer::insights::insight::{Insight, Severity};
use crate::answer::insights::statistics::{STANDARD_ERRORS, standard_error};
use crate::answer::registry::Kpi;
use crate::answer::words;
use domain::Counters;
use std::collections::BTreeMap;

/// The KPI of this rule. Receipts come later than messages, so it falls last, and the rule of changes is not for it.
pub const KPI: &str = "message_delivery_rate";

/// With fewer messages in the judged period nothing is said.
const SAMPLE_MIN: i64 = 50;

/// With fewer messages before it nothing is said.
const HISTORY_MIN: i64 = 200;

/// A drop by this many points stands out.
const POINTS: f64 = 10.0;

/// After a drop by this many points somebody should act.
const POINTS_CRITICAL: f64 = 25.0;

/// The share of delivered messages is lower than in all the weeks before.
pub fn drop(history: &History, kpi: &Kpi) -> Option<Insight> {
    let settled = history.settled(kpi);
    let (now, before) = (sum(settled), sum(history.before()));
    let samples = [now, before].map(|counters: Counters| kpi.sample(&counters));
    if samples[0] < SAMPLE_MIN || samples[1] < HISTORY_MIN {
        return None;
    }
    let values = [now, before].map(|counters| kpi.value(&counters).to_f64());
    let drop = values[1] - values[0];
    if drop < POINTS || drop < STANDARD_ERRORS * standard_error(values, samples) {
        return None;
    }
    let (shown, usual) = (kpi.value(&now).tenths(), kpi.value(&before).tenths());
    Some(Insight {
        key: "delivery_drop".into(),
        kpi: Some(kpi.key),
        severity: if drop >= POINTS_CRITICAL { Severity::Critical } else { Severity::Warning },
        title: "Fewer messages are being delivered".into(),
        sentence: format!(
            "Only {shown}% of {} were delivered, compared with {usual}% in the weeks before.",
            words::things(samples[0], kpi.noun)
        ),
        period: period(settled)?,
        compared_with: None,
        workflow: None,
        numbers: BTreeMap::from([
            ("value", shown),
            ("before", usual),
            ("sample", Tenths::whole(samples[0])),
            ("sampleBefore", Tenths::whole(samples[1])),
        ]),
        next: "Check in delivery health which channel is missing receipts, and whether they are only late.",
    })
}
