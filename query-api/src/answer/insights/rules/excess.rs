//! The rule of excess: more messages are delivered than sent, so the records about them are wrong. Pure.

use crate::answer::decimal::Tenths;
use crate::answer::insights::history::{History, Hour, period, sum};
use crate::answer::insights::insight::{Insight, Severity};
use crate::answer::registry::Kpi;
use crate::answer::words;
use domain::excess::delivered_exceeds_sent;
use std::collections::BTreeMap;

/// More messages are delivered than sent in all settled hours together, or in one of them: the one with the greatest excess is told.
pub fn of_deliveries(history: &History, kpi: &Kpi) -> Option<Insight> {
    let settled = history.settled(kpi);
    let hours: Vec<&[Hour]> = settled.chunks(1).filter(|hour| exceeds(hour)).collect();
    let most =
        hours.iter().copied().reduce(|most, hour| if excess(hour) > excess(most) { hour } else { most });
    // Of all hours no rate can be relied on any more.
    let (told, severity) = match exceeds(settled) {
        true => (settled, Severity::Critical),
        false => (most?, Severity::Warning),
    };
    let counters = sum(told);
    let period = period(told)?;
    let (sent, delivered) = (counters.messages_sent, counters.messages_delivered);
    let from = if told.len() == 1 { history.clock(period.from) } else { history.shown(period.from) };
    let were = if sent == 1 { "was" } else { "were" };
    let others = match hours.len() {
        0 | 1 => String::new(),
        all => format!(" That is so in {all} of the hours."),
    };
    Some(Insight {
        key: "delivered_exceeds_sent".into(),
        kpi: Some(kpi.key),
        severity,
        title: "More messages delivered than sent".into(),
        sentence: format!(
            "Between {from} and {}, {} {were} sent and {} delivered, which can't be: the records about them are wrong.{others}",
            history.shown(period.to),
            words::things(sent, kpi.noun),
            words::count(delivered)
        ),
        period,
        compared_with: None,
        workflow: None,
        numbers: BTreeMap::from([
            ("sent", Tenths::whole(sent)),
            ("delivered", Tenths::whole(delivered)),
            ("hours", Tenths::near(hours.len() as f64)),
        ]),
        next: "Check that sent_at is the time of sending in all records about a message, never the time of a provider's callback, \
               and that the SENT records are published: docs/providers.md says how for each provider.",
    })
}

fn exceeds(hours: &[Hour]) -> bool {
    delivered_exceeds_sent(&sum(hours))
}

fn excess(hours: &[Hour]) -> i64 {
    let counters = sum(hours);
    counters.messages_delivered - counters.messages_sent
}
