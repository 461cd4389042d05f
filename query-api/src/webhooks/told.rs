//! What an organization was told of its alerts, compared with what its alerts are now: what is to be told. Pure.
//!
//! An alert opens, and gets worse, at once. It gets better only once it has been better for a while, in each evaluation: it ends when it
//! has been no alert for that long, and becomes less severe when it has been less severe for that long and is an alert still. So an
//! alert whose value moves around a threshold rings once, and in any span of that length a message comes at most three times: it opens,
//! becomes critical, or eases, and then does one of the first two.

use crate::answer::registry::{Alert, Severity};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// An alert as it was last told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its stable name.
    pub key: String,
    /// How severe it was said to be.
    pub severity: Severity,
    /// The alert, as it was last seen with this severity.
    pub alert: Value,
    /// When it opened.
    pub opened_at: DateTime<Utc>,
    /// When its severity was told.
    pub changed_at: DateTime<Utc>,
    /// Since when it has been less severe than told; `None` while it isn't.
    pub better_since: Option<DateTime<Utc>>,
    /// Since when it has been no alert; `None` while it is one.
    pub fine_since: Option<DateTime<Utc>>,
}

/// What has become of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is one now.
    Opened,
    /// It is more or less severe.
    Changed,
    /// It is none any more.
    Ended,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What has become of the alert.
    pub change: Change,
    /// The alert; after its end as it was last seen.
    pub alert: Value,
    /// How severe it is.
    pub severity: Severity,
    /// How severe it was said to be before.
    pub previous: Severity,
    /// When it opened.
    pub opened_at: DateTime<Utc>,
}

/// An alert as it is now.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    severity: Severity,
    alert: Value,
}

/// What is to be told at `now`, and what has been told after that. What is better has to be so for as long as `settle`.
#[must_use]
pub fn advance(
    told: Vec<Told>,
    alerts: &[Alert],
    now: DateTime<Utc>,
    settle: TimeDelta,
) -> (Vec<Told>, Vec<Event>) {
    let seen = |key: &str| {
        let alert = alerts.iter().find(|alert| alert.key() == key)?;
        let json = serde_json::to_value(alert).expect("an alert is numbers and strings");
        Some(Seen { severity: alert.severity(), alert: json })
    };
    let is_known = |alert: &&Alert| told.iter().any(|told| told.key == alert.key());
    let new: Vec<&str> = alerts.iter().filter(|alert| !is_known(alert)).map(Alert::key).collect();
    let (mut states, mut events) = (Vec::new(), Vec::new());
    let opened = new.into_iter().filter_map(|key| Some(open(key, seen(key)?, now)));
    for (state, event) in opened {
        states.push(state);
        events.push(event);
    }
    for state in told {
        let seen = seen(&state.key);
        let (state, event) = go_on(state, seen, now, settle);
        states.extend(state);
        events.extend(event);
    }
    (states, events)
}

fn open(key: &str, Seen { severity, alert }: Seen, now: DateTime<Utc>) -> (Told, Event) {
    let event = Event {
        change: Change::Opened,
        alert: alert.clone(),
        severity,
        previous: Severity::Healthy,
        opened_at: now,
    };
    let (better_since, fine_since) = (None, None);
    let key = key.to_owned();
    (Told { key, severity, alert, opened_at: now, changed_at: now, better_since, fine_since }, event)
}

fn go_on(
    told: Told,
    seen: Option<Seen>,
    now: DateTime<Utc>,
    settle: TimeDelta,
) -> (Option<Told>, Option<Event>) {
    let Some(seen) = seen else {
        let since = |time: Option<DateTime<Utc>>| Some(time.unwrap_or(now));
        let (better_since, fine_since) = (since(told.better_since), since(told.fine_since));
        if fine_since.is_some_and(|since| now - since >= settle) {
            let event = event(Change::Ended, &told, told.alert.clone(), Severity::Healthy);
            return (None, Some(event));
        }
        return (Some(Told { better_since, fine_since, ..told }), None);
    };
    if seen.severity == told.severity {
        return (Some(Told { alert: seen.alert, better_since: None, fine_since: None, ..told }), None);
    }
    let is_worse = seen.severity > told.severity;
    let since = told.better_since.unwrap_or(now);
    if is_worse || now - since >= settle {
        let event = event(Change::Changed, &told, seen.alert.clone(), seen.severity);
        let Seen { severity, alert } = seen;
        let state = Told { severity, alert, changed_at: now, better_since: None, fine_since: None, ..told };
        return (Some(state), Some(event));
    }
    (Some(Told { better_since: Some(since), fine_since: None, ..told }), None)
}

fn event(change: Change, told: &Told, alert: Value, severity: Severity) -> Event {
    Event { change, alert, severity, previous: told.severity, opened_at: told.opened_at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::registry::KPIS;
    use crate::answer::thresholds::Thresholds;
    use domain::Counters;
    use proptest::prelude::*;

    const SETTLE: i64 = 300;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_770_000_000 + seconds, 0).unwrap()
    }

    /// The alert of payments, of which so many in a hundred succeeded: below 95 a warning, below 85 critical.
    fn payments(successful: i64) -> Vec<Alert> {
        let counters =
            Counters { payments_total: 100, payments_successful: successful, ..Counters::default() };
        let defaults = Thresholds::default();
        KPIS.iter().flat_map(|kpi| kpi.alerts(&counters, &defaults).collect::<Vec<_>>()).collect()
    }

    const FINE: i64 = 99;
    const WARNING: i64 = 90;
    const CRITICAL: i64 = 50;

    fn severity(successful: i64) -> Severity {
        payments(successful).first().map_or(Severity::Healthy, Alert::severity)
    }

    /// The events of these evaluations, each with its second.
    fn events(evaluations: &[(i64, i64)]) -> Vec<(i64, Event)> {
        let (mut told, mut all) = (Vec::new(), Vec::new());
        for (second, successful) in evaluations {
            let (next, events) =
                advance(told, &payments(*successful), at(*second), TimeDelta::seconds(SETTLE));
            told = next;
            all.extend(events.into_iter().map(|event| (*second, event)));
        }
        all
    }

    fn check(evaluations: &[(i64, i64)], expected: &[(i64, Change, Severity, Severity)]) {
        let seen: Vec<_> = events(evaluations)
            .into_iter()
            .map(|(second, event)| (second, event.change, event.previous, event.severity))
            .collect();
        assert_eq!(seen, expected, "{evaluations:?}");
    }

    #[test]
    fn an_alert_opens_and_worsens_at_once_and_ends_when_it_has_been_fine_for_long_enough() {
        use Change::{Changed, Ended, Opened};
        use Severity::{Critical, Healthy, Warning};
        check(&[(0, FINE), (60, FINE)], &[]);
        check(
            &[(0, WARNING), (1, CRITICAL), (60, FINE), (300, FINE), (359, FINE), (360, FINE), (420, FINE)],
            &[
                (0, Opened, Healthy, Warning),
                (1, Changed, Warning, Critical),
                (360, Ended, Critical, Healthy),
            ],
        );
        // It was critical again in between.
        check(
            &[(0, CRITICAL), (60, FINE), (200, CRITICAL), (360, FINE), (660, FINE)],
            &[(0, Opened, Healthy, Critical), (660, Ended, Critical, Healthy)],
        );
        // It is a warning for long enough, then nothing.
        check(
            &[(0, CRITICAL), (60, WARNING), (359, WARNING), (360, WARNING), (361, FINE), (661, FINE)],
            &[
                (0, Opened, Healthy, Critical),
                (360, Changed, Critical, Warning),
                (661, Ended, Warning, Healthy),
            ],
        );
        // It was fine for a while and then a warning: for as long as both together it was not critical.
        check(
            &[(0, CRITICAL), (60, FINE), (359, FINE), (360, WARNING)],
            &[(0, Opened, Healthy, Critical), (360, Changed, Critical, Warning)],
        );
    }

    #[test]
    fn the_alert_of_an_end_is_the_one_last_seen() {
        let all = events(&[(0, WARNING), (10, WARNING + 1), (20, FINE), (320, FINE)]);
        let (_, end) = all.last().unwrap();
        assert_eq!((end.change, &end.alert["value"], end.opened_at), (Change::Ended, &91.into(), at(0)));
    }

    prop_compose! {
        /// Evaluations within a minute of each other, whose values often stay on one side for a while.
        fn evaluations()(
            steps in prop::collection::vec((1..=60i64, prop::sample::select(&[FINE, WARNING, CRITICAL][..]), 1..12usize), 0..40),
        ) -> Vec<(i64, i64)> {
            let repeated = steps.into_iter().flat_map(|(apart, value, times)| std::iter::repeat_n((apart, value), times));
            let seconds = repeated.scan(0, |second, (apart, value)| { *second += apart; Some((*second, value)) });
            seconds.collect()
        }
    }

    proptest! {
        #[test]
        fn no_alert_rings_more_than_three_times_while_it_may_settle(evaluations in evaluations()) {
            let seconds: Vec<_> = events(&evaluations).into_iter().map(|(second, _)| second).collect();
            for rung in seconds.windows(4) {
                prop_assert!(rung[3] - rung[0] >= SETTLE, "{:?}", rung);
            }
        }

        #[test]
        fn each_message_goes_on_from_the_one_before_and_what_lasts_is_told(evaluations in evaluations()) {
            let mut said = Severity::Healthy;
            let all = events(&evaluations);
            for (second, event) in &all {
                prop_assert_eq!(event.previous, said, "at {}", second);
                prop_assert_ne!(event.severity, said);
                let change = match (event.previous, event.severity) {
                    (Severity::Healthy, _) => Change::Opened,
                    (_, Severity::Healthy) => Change::Ended,
                    (_, _) => Change::Changed,
                };
                prop_assert_eq!(event.change, change);
                // What is better now has been so in every evaluation of the time before.
                if event.severity < said {
                    let while_settling = evaluations.iter().filter(|(at, _)| (second - SETTLE..=*second).contains(at));
                    for (_, value) in while_settling {
                        prop_assert!(severity(*value) < said);
                    }
                }
                said = event.severity;
            }
            // What has been the same for long enough was told, and what is worse was told at once.
            if let Some((last, value)) = evaluations.last() {
                let since = evaluations.iter().rev().take_while(|(_, other)| other == value).last().unwrap().0;
                prop_assert!(severity(*value) <= said);
                prop_assert!(last - since < SETTLE || severity(*value) == said, "{:?} is said to be {:?}", value, said);
            }
        }
    }
}
