//! The metric registry: every KPI and its alerts. To add one, add an entry to [`KPIS`]; ARCHITECTURE.md names the
//! documents, the page's files and the tests that list the KPIs, too. Pure.

use crate::answer::decimal::{Ratio, Tenths};
use crate::answer::thresholds::{Limits, Own, Source, Thresholds};
use crate::answer::words;
use chrono::TimeDelta;
use domain::Counters;
use serde::Serialize;

/// The unit of a KPI's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Things.
    Count,
    /// Per cent.
    Percent,
    /// Milliseconds.
    Ms,
}

impl Unit {
    /// The least and the greatest number that a threshold in this unit may be.
    pub(crate) const fn range(self) -> [i64; 2] {
        match self {
            Self::Percent => [0, 100],
            Self::Count | Self::Ms => [0, 1_000_000_000_000],
        }
    }

    /// What follows a number of this unit.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Count => "",
            Self::Percent => "%",
            Self::Ms => " ms",
        }
    }

    /// A number of this unit in a sentence.
    pub(crate) fn shown(self, number: Tenths) -> String {
        match self {
            Self::Count if number.count() % 10 == 0 => words::count(number.count() / 10),
            Self::Count | Self::Percent => format!("{number}{}", self.suffix()),
            Self::Ms => words::duration(number.count() as f64 / 10.0),
        }
    }
}

/// How bad an alert is; the greater, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong.
    Healthy,
    /// Somebody should look.
    Warning,
    /// Somebody should act.
    Critical,
}

/// Which side of a threshold is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Values below it.
    Below,
    /// Values above it.
    Above,
}

/// Which direction of a KPI is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// A counter that KPIs are computed from.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// Its name in rows and answers.
    pub name: &'static str,
    value: fn(&Counters) -> i64,
}

/// The counter of that field.
macro_rules! counter {
    ($name:ident) => {
        Counter { name: stringify!($name), value: |counters| counters.$name }
    };
}

/// How long receipts may be on their way: a message is judged by whether it was delivered only after this time.
const RECEIPTS_DUE: TimeDelta = TimeDelta::hours(1);

/// When a KPI's value is an alert.
pub struct AlertRule {
    /// The alert's stable name.
    pub key: &'static str,
    /// Its headline.
    pub title: &'static str,
    /// Which side of the thresholds is bad; a value at a threshold is not.
    pub bad: Bad,
    /// The threshold of [`Severity::Warning`].
    pub warning: i64,
    /// The threshold of [`Severity::Critical`].
    pub critical: i64,
    /// With a smaller sample there is no alert.
    pub least_sample: i64,
}

/// A figure of the summary.
pub struct Kpi {
    /// Its stable name.
    pub key: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// The unit of its value.
    pub unit: Unit,
    /// With how many decimals its value is shown; one at most.
    pub decimals: u8,
    /// What it means, in a few words.
    pub description: &'static str,
    /// What it counts, or what it is the share or the mean of.
    pub numerator: Counter,
    /// What it is a share or a mean of; `None` if it is a count.
    pub denominator: Option<Counter>,
    /// What its sample is called, in the plural: the things that it is a share or a mean of, or that it counts.
    pub noun: &'static str,
    /// Which direction is better.
    pub better: Better,
    /// Things that are younger are not judged, by alerts or by insights: what they add to the numerator may not have come yet.
    pub settles_after: TimeDelta,
    /// When its value is an alert.
    pub rules: &'static [AlertRule],
}

/// The KPI of messages: delivery health has it of each channel, too.
pub const MESSAGE_DELIVERY_RATE: Kpi = Kpi {
    key: "message_delivery_rate",
    label: "Message Delivery Rate",
    unit: Unit::Percent,
    decimals: 1,
    description: "Share of the messages sent that were delivered or read",
    numerator: counter!(messages_delivered),
    denominator: Some(counter!(messages_sent)),
    noun: "messages",
    better: Better::Up,
    settles_after: RECEIPTS_DUE,
    rules: &[AlertRule {
        key: "message_delivery_low",
        title: "Messages are not delivered",
        bad: Bad::Below,
        warning: 90,
        critical: 75,
        least_sample: 20,
    }],
};

/// All KPIs, in the order of the summary.
pub const KPIS: &[Kpi] = &[
    Kpi {
        key: "orders_created",
        label: "Orders Created",
        unit: Unit::Count,
        decimals: 0,
        description: "Orders captured from commerce events",
        numerator: counter!(orders_created),
        denominator: None,
        noun: "orders",
        better: Better::Up,
        settles_after: TimeDelta::zero(),
        rules: &[],
    },
    Kpi {
        key: "payment_success_rate",
        label: "Payment Success Rate",
        unit: Unit::Percent,
        decimals: 1,
        description: "Share of attempted payments that succeeded",
        numerator: counter!(payments_successful),
        denominator: Some(counter!(payments_total)),
        noun: "payments",
        better: Better::Up,
        settles_after: TimeDelta::zero(),
        rules: &[AlertRule {
            key: "payment_success_low",
            title: "Payments are failing",
            bad: Bad::Below,
            warning: 95,
            critical: 85,
            least_sample: 20,
        }],
    },
    Kpi {
        key: "workflow_failure_rate",
        label: "Workflow Failure Rate",
        unit: Unit::Percent,
        decimals: 1,
        description: "Share of finished workflow runs that failed",
        numerator: counter!(workflows_failed),
        denominator: Some(counter!(workflows_total)),
        noun: "workflow runs",
        better: Better::Down,
        settles_after: TimeDelta::zero(),
        rules: &[AlertRule {
            key: "workflow_failures_high",
            title: "Workflows are failing",
            bad: Bad::Above,
            warning: 10,
            critical: 25,
            least_sample: 10,
        }],
    },
    Kpi {
        key: "avg_execution_time_ms",
        label: "Average Execution Time",
        unit: Unit::Ms,
        decimals: 1,
        description: "Mean execution time of finished workflow runs",
        numerator: counter!(total_execution_time_ms),
        denominator: Some(counter!(workflows_total)),
        noun: "workflow runs",
        better: Better::Down,
        settles_after: TimeDelta::zero(),
        rules: &[],
    },
    MESSAGE_DELIVERY_RATE,
];

/// A KPI whose value is beyond a threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    key: &'static str,
    kpi: &'static str,
    severity: Severity,
    title: &'static str,
    message: String,
    value: Tenths,
    threshold: Tenths,
    threshold_source: Source,
    sample: i64,
}

impl Alert {
    /// Its stable name.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }
}

/// What one of a KPI's alerts is judged by, as answers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
    alert: &'static str,
    #[serde(flatten)]
    limits: Limits,
    threshold_source: Source,
}

/// What a KPI is made of, as answers show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Base {
    numerator: &'static str,
    denominator: Option<&'static str>,
    noun: &'static str,
}

impl Kpi {
    /// Its value. A share is at most 100, and 0 of nothing.
    #[must_use]
    pub fn value(&self, counters: &Counters) -> Ratio {
        let part = (self.numerator.value)(counters);
        let whole = self.denominator.map_or(1, |counter| (counter.value)(counters));
        match self.unit {
            Unit::Count | Unit::Ms => Ratio::of(part, whole),
            Unit::Percent => Ratio::percent(part, whole).at_most(100),
        }
    }

    /// How many things its value is computed from.
    #[must_use]
    pub fn sample(&self, counters: &Counters) -> i64 {
        (self.denominator.unwrap_or(self.numerator).value)(counters)
    }

    /// Whether it is made of these counters only.
    pub(crate) fn is_of(&self, counters: &[&str]) -> bool {
        let has = |counter: Counter| counters.contains(&counter.name);
        has(self.numerator) && self.denominator.is_none_or(has)
    }

    /// What it is made of.
    #[must_use]
    pub fn base(&self) -> Base {
        let name = |counter: Counter| counter.name;
        Base { numerator: self.numerator.name, denominator: self.denominator.map(name), noun: self.noun }
    }

    /// What sentences about it begin with: what it counts, or the name of the rate or the mean.
    pub(crate) fn subject(&self) -> String {
        match self.unit {
            Unit::Count => words::capitalised(self.noun),
            Unit::Percent | Unit::Ms => format!("The {}", self.label.to_lowercase()),
        }
    }

    /// Its noun as a part of a stable name.
    pub(crate) fn noun_key(&self) -> String {
        self.noun.replace(' ', "_")
    }

    /// What its alerts are judged by, where these are the organization's own thresholds.
    #[must_use]
    pub fn judged(&self, thresholds: &Thresholds) -> Vec<Judged> {
        let judged = |rule: &AlertRule| {
            let own = thresholds.own(rule.key);
            Judged { alert: rule.key, limits: own.or(rule.defaults()), threshold_source: own.source() }
        };
        self.rules.iter().map(judged).collect()
    }

    /// The alerts that these counters raise, which have settled, by the organization's own thresholds where it has some: for each
    /// rule at most one, the worst that applies.
    pub fn alerts<'a>(
        &'a self,
        counters: &'a Counters,
        thresholds: &'a Thresholds,
    ) -> impl Iterator<Item = Alert> + 'a {
        self.rules.iter().filter_map(move |rule| self.alert(rule, counters, thresholds.own(rule.key)))
    }

    /// Compares the rounded value, as it is shown, so that no alert says "95 is below 95".
    fn alert(&self, rule: &AlertRule, counters: &Counters, own: Own) -> Option<Alert> {
        let value = self.value(counters).tenths();
        let sample = self.sample(counters);
        let limits = own.or(rule.defaults());
        let (severity, threshold, threshold_source) = rule.severity(value, limits, own)?;
        (sample >= limits.least_sample).then(|| Alert {
            key: rule.key,
            kpi: self.key,
            severity,
            title: rule.title,
            message: self.message(rule, value, threshold, sample),
            value,
            threshold,
            threshold_source,
            sample,
        })
    }

    fn message(&self, rule: &AlertRule, value: Tenths, threshold: Tenths, sample: i64) -> String {
        let side = match rule.bad {
            Bad::Below => "below",
            Bad::Above => "above",
        };
        let of_age = match self.settles_after.num_minutes() {
            0 => String::new(),
            60 => " more than an hour old".to_owned(),
            minutes => format!(" more than {minutes} minutes old"),
        };
        let [value, threshold] = [value, threshold].map(|number| self.unit.shown(number));
        let (subject, things) = (self.subject(), words::things(sample, self.noun));
        format!("{subject} is {value} over {things}{of_age}, {side} the threshold of {threshold}")
    }
}

impl AlertRule {
    /// What applies where an organization has set nothing itself.
    #[must_use]
    pub const fn defaults(&self) -> Limits {
        let (warning, critical) = (Tenths::whole(self.warning), Tenths::whole(self.critical));
        Limits { warning, critical, least_sample: self.least_sample }
    }

    /// How bad the value is, the threshold that it is beyond, and who has set that.
    fn severity(&self, value: Tenths, limits: Limits, own: Own) -> Option<(Severity, Tenths, Source)> {
        let beyond = |threshold: Tenths| match self.bad {
            Bad::Below => value < threshold,
            Bad::Above => value > threshold,
        };
        let critical = (Severity::Critical, limits.critical, Source::of(own.critical));
        let warning = (Severity::Warning, limits.warning, Source::of(own.warning));
        [critical, warning].into_iter().find(|(_, threshold, _)| beyond(*threshold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::range::UNSETTLED_MAX;

    fn payments(successful: i64, total: i64) -> Counters {
        Counters { payments_successful: successful, payments_total: total, ..Counters::default() }
    }

    fn workflows(failed: i64, total: i64) -> Counters {
        Counters { workflows_failed: failed, workflows_total: total, ..Counters::default() }
    }

    fn messages(delivered: i64, sent: i64) -> Counters {
        Counters { messages_delivered: delivered, messages_sent: sent, ..Counters::default() }
    }

    #[test]
    fn thresholds_and_samples() {
        let defaults = &Thresholds::default();
        let check = |counters: Counters, expected: Option<(&str, Severity)>| {
            let alerts: Vec<_> = KPIS.iter().flat_map(|kpi| kpi.alerts(&counters, defaults)).collect();
            let seen: Vec<_> = alerts.iter().map(|alert| (alert.kpi, alert.severity)).collect();
            assert_eq!(seen, expected.into_iter().collect::<Vec<_>>(), "{counters:?}");
        };
        check(Counters::default(), None);
        check(payments(19, 20), None); // 95 %
        check(payments(949, 1_000), Some(("payment_success_rate", Severity::Warning)));
        check(payments(85, 100), Some(("payment_success_rate", Severity::Warning)));
        check(payments(849, 1_000), Some(("payment_success_rate", Severity::Critical)));
        check(payments(0, 19), None);
        check(payments(0, 20), Some(("payment_success_rate", Severity::Critical)));
        check(workflows(1, 10), None); // 10 %
        check(workflows(2, 10), Some(("workflow_failure_rate", Severity::Warning)));
        check(workflows(25, 100), Some(("workflow_failure_rate", Severity::Warning)));
        check(workflows(26, 100), Some(("workflow_failure_rate", Severity::Critical)));
        check(workflows(9, 9), None);
        check(messages(90, 100), None);
        check(messages(89, 100), Some(("message_delivery_rate", Severity::Warning)));
        check(messages(74, 100), Some(("message_delivery_rate", Severity::Critical)));
        check(messages(0, 19), None);
    }

    #[test]
    fn what_is_shown_is_what_is_judged() {
        assert_eq!(
            KPIS[1].alerts(&payments(94_960, 100_000), &Thresholds::default()).count(),
            0,
            "shown as 95 %"
        );
    }

    #[test]
    fn an_alert_says_what_it_rests_on() {
        let alert = KPIS[1].alerts(&payments(912, 1_000), &Thresholds::default()).next().unwrap();
        assert_eq!(
            alert.message,
            "The payment success rate is 91.2% over 1,000 payments, below the threshold of 95%"
        );
        let json = serde_json::to_string(&alert).unwrap();
        assert!(json.starts_with(
            r#"{"key":"payment_success_low","kpi":"payment_success_rate","severity":"warning","#
        ));
        let end = r#""value":91.2,"threshold":95,"thresholdSource":"default","sample":1000}"#;
        assert!(json.ends_with(end), "{json}");
    }

    #[test]
    fn numbers_in_sentences_are_as_people_read_them() {
        let check = |unit: Unit, tenths, shown: &str| assert_eq!(unit.shown(Tenths::of(tenths)), shown);
        check(Unit::Count, 124_000, "12,400");
        check(Unit::Count, 175, "17.5");
        check(Unit::Percent, 988, "98.8%");
        check(Unit::Percent, 900, "90%");
        check(Unit::Ms, 18_804, "1.88 s");
        let subjects: Vec<_> = KPIS.iter().map(Kpi::subject).collect();
        let expected = [
            "Orders",
            "The payment success rate",
            "The workflow failure rate",
            "The average execution time",
            "The message delivery rate",
        ];
        assert_eq!(subjects, expected);
    }

    #[test]
    fn own_thresholds_apply_in_place_of_the_defaults() {
        let own = |warning, critical, least_sample| {
            let tenths = |tenths: Option<i64>| tenths.map(Tenths::of);
            let own = Own { warning: tenths(warning), critical: tenths(critical), least_sample };
            Thresholds::default().replaced([("payment_success_low", own)], Default::default(), None)
        };
        let check = |counters: Counters, own: &Thresholds, expected: Option<(Severity, &str, Source)>| {
            let alert = KPIS[1].alerts(&counters, own).next();
            let seen =
                alert.map(|alert| (alert.severity, alert.threshold.to_string(), alert.threshold_source));
            let expected =
                expected.map(|(severity, threshold, source)| (severity, threshold.to_owned(), source));
            assert_eq!(seen, expected, "{counters:?} {own:?}");
        };
        let strict = own(Some(975), None, None);
        check(payments(974, 1_000), &strict, Some((Severity::Warning, "97.5", Source::Organization)));
        check(payments(975, 1_000), &strict, None);
        check(payments(800, 1_000), &strict, Some((Severity::Critical, "85", Source::Default)));
        let lax = own(Some(0), Some(0), None);
        check(payments(0, 1_000), &lax, None);
        check(payments(0, 5), &own(None, None, Some(5)), Some((Severity::Critical, "85", Source::Default)));
        check(payments(0, 1_000), &own(None, None, Some(1_001)), None);
        let shown = serde_json::to_value(KPIS[1].judged(&strict)).unwrap();
        let expected = serde_json::json!([{"alert": "payment_success_low", "warning": 97.5, "critical": 85, "leastSample": 20,
            "thresholdSource": "organization"}]);
        assert_eq!(shown, expected);
        assert!(KPIS[0].judged(&strict).is_empty());
    }

    #[test]
    fn more_delivered_than_sent_is_still_all() {
        assert_eq!(KPIS[4].value(&messages(7, 5)).tenths(), Tenths::whole(100));
    }

    #[test]
    fn what_has_to_settle_is_said_and_does_before_ranges_forget_the_time() {
        let alert = KPIS[4].alerts(&messages(89, 100), &Thresholds::default()).next().unwrap();
        assert_eq!(
            alert.message,
            "The message delivery rate is 89% over 100 messages more than an hour old, below the threshold of 90%"
        );
        assert!(KPIS.iter().all(|kpi| kpi.settles_after <= UNSETTLED_MAX));
        assert!(KPIS.iter().all(|kpi| kpi.settles_after.num_seconds() % 900 == 0), "whole quarters");
    }

    #[test]
    fn a_kpi_is_made_of_counters_that_answers_have() {
        for kpi in KPIS {
            let base = kpi.base();
            let names = [Some(base.numerator), base.denominator].into_iter().flatten();
            names.for_each(|name| assert!(Counters::NAMES.contains(&name), "{name} of {}", kpi.key));
            assert!(
                kpi.decimals <= 1 && (kpi.unit == Unit::Count) == base.denominator.is_none(),
                "{}",
                kpi.key
            );
        }
    }

    #[test]
    fn keys_are_unique() {
        let mut keys: Vec<_> = KPIS.iter().map(|kpi| kpi.key).collect();
        keys.extend(KPIS.iter().flat_map(|kpi| kpi.rules).map(|rule| rule.key));
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
