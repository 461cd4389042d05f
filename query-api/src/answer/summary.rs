//! The summary: the organization and its plan, the KPIs and what they are compared with, alerts, health. Pure.

use crate::answer::decimal::{Ratio, Tenths};
use crate::answer::known::Known;
use crate::answer::registry::{Alert, KPIS, Kpi, Severity, Unit};
use crate::request::compare::Comparison;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::Counters;
use serde::Serialize;

/// What is known of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its name; `None` while unknown.
    pub name: Option<String>,
    /// Its plan; `None` while unknown.
    pub plan: Option<Plan>,
}

/// A plan an organization is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Its stable id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// The counters of a range, and of what it is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Of the interval it is compared with.
    pub earlier: Counters,
    /// Of its closed buckets.
    pub closed: Counters,
    /// Of its open bucket.
    pub open: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Trend {
    Up,
    Down,
    Flat,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    key: &'static str,
    label: &'static str,
    value: Tenths,
    unit: Unit,
    trend: Trend,
    delta_percent: Tenths,
    severity: Severity,
    description: &'static str,
    previous_value: Option<Tenths>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    status: Severity,
    alert_count: usize,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    organization_id: &'a str,
    organization_name: Option<String>,
    plan: Option<Plan>,
    range: Range,
    #[serde(flatten)]
    known: Known,
    comparison: Option<Comparison>,
    kpis: Vec<Figure>,
    alerts: Vec<Alert>,
    system_health: Health,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> Summary<'a> {
    /// Composes the answer from the rows.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        (profile, sums): (Option<Profile>, Sums),
        now: DateTime<Utc>,
    ) -> Self {
        let mut counters = sums.closed;
        counters += &sums.open;
        let alerts: Vec<_> = KPIS.iter().flat_map(|kpi| kpi.alerts(&counters)).collect();
        let (organization_name, plan) = profile.map_or((None, None), |profile| (profile.name, profile.plan));
        Self {
            organization_id,
            organization_name,
            plan,
            range,
            known,
            comparison: range.comparison(),
            kpis: KPIS.iter().map(|kpi| figure(kpi, &range, &counters, &sums)).collect(),
            system_health: Health { status: worst(alerts.iter()), alert_count: alerts.len() },
            alerts,
            generated_at: now,
        }
    }
}

fn figure(kpi: &Kpi, range: &Range, counters: &Counters, sums: &Sums) -> Figure {
    let alerts: Vec<_> = kpi.alerts(counters).collect();
    let earlier = range.comparison().map(|_| (kpi.value)(&sums.earlier));
    let change =
        earlier.map_or_else(Tenths::default, |earlier| (kpi.value)(&sums.closed).change_from(earlier));
    Figure {
        key: kpi.key,
        label: kpi.label,
        value: (kpi.value)(counters).tenths(),
        unit: kpi.unit,
        trend: trend(change),
        delta_percent: change,
        severity: worst(alerts.iter()),
        description: kpi.description,
        previous_value: earlier.map(Ratio::tenths),
    }
}

fn trend(change: Tenths) -> Trend {
    match change.signum() {
        1 => Trend::Up,
        -1 => Trend::Down,
        _ => Trend::Flat,
    }
}

fn worst<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Severity {
    alerts.map(Alert::severity).max().unwrap_or(Severity::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::raw_range::{RawRange, Settings};

    fn range(from: &str, to: &str, now: &str) -> Range {
        let raw = RawRange { from: Some(from.into()), to: Some(to.into()), ..RawRange::default() };
        raw.normalise(now.parse().unwrap(), &Settings { max_range_days: 90 }).unwrap()
    }

    fn orders(n: i64) -> Counters {
        Counters { orders_created: n, ..Counters::default() }
    }

    #[test]
    fn the_summary_is_spelled_to_the_letter() {
        let profile = Profile {
            name: Some("Acme".into()),
            plan: Some(Plan { id: "plan_pro".into(), name: "pro".into() }),
        };
        let sums = Sums { earlier: orders(36), closed: orders(42), open: orders(0) };
        let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T10:00:12Z");
        let now = "2026-02-25T10:00:12Z".parse().unwrap();
        let known = Known { complete_through: Some(now), ..Known::default() };
        let json = serde_json::to_string(&Summary::new("org_123", range, known, (Some(profile), sums), now))
            .unwrap();
        let start = concat!(
            r#"{"organizationId":"org_123","organizationName":"Acme","plan":{"id":"plan_pro","name":"pro"},"#,
            r#""range":{"from":"2026-02-25T00:00:00.000Z","to":"2026-02-25T10:00:00.000Z","granularity":"hour","#,
            r#""timezone":"UTC"},"completeThrough":"2026-02-25T10:00:12.000Z","#,
            r#""comparison":{"mode":"previous_period","from":"2026-02-24T14:00:00.000Z","#,
            r#""to":"2026-02-25T00:00:00.000Z"},"#,
            r#""kpis":[{"key":"orders_created","label":"Orders Created","value":42,"unit":"count","trend":"up","#,
            r#""deltaPercent":16.7,"severity":"healthy","description":"Orders captured from commerce events","#,
            r#""previousValue":36},"#,
        );
        let end = concat!(
            r#""alerts":[],"systemHealth":{"status":"healthy","alertCount":0},"#,
            r#""generatedAt":"2026-02-25T10:00:12.000Z"}"#,
        );
        assert!(json.starts_with(start), "{json}");
        assert!(json.ends_with(end), "{json}");
    }

    #[test]
    fn an_organization_nobody_has_heard_of_is_all_zeros() {
        let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T12:00:00Z");
        let now = "2026-02-25T12:00:00Z".parse().unwrap();
        let summary = Summary::new("new", range, Known::default(), (None, Sums::default()), now);
        assert!(summary.organization_name.is_none() && summary.plan.is_none());
        for figure in &summary.kpis {
            let nothing = (Tenths::default(), Tenths::default(), Trend::Flat);
            assert_eq!((figure.value, figure.delta_percent, figure.trend), nothing, "{}", figure.key);
            assert_eq!(figure.previous_value, Some(Tenths::default()), "it was all zeros before, too");
        }
    }

    #[test]
    fn an_open_bucket_counts_but_is_compared_with_nothing() {
        let now = "2026-02-25T10:30:00Z";
        let sums = Sums { earlier: orders(10), closed: orders(10), open: orders(3) };
        let check = |from, value, trend| {
            let range = range(from, now, now);
            let summary = Summary::new("a", range, Known::default(), (None, sums), now.parse().unwrap());
            assert_eq!(
                (summary.kpis[0].value, summary.kpis[0].trend),
                (Tenths::whole(value), trend),
                "from {from}"
            );
            assert_eq!(summary.kpis[0].previous_value.is_some(), summary.comparison.is_some());
        };
        check("2026-02-25T09:00:00Z", 13, Trend::Flat);
        check("2026-02-25T10:10:00Z", 13, Trend::Flat); // only the open bucket: nothing to compare
    }

    #[test]
    fn health_is_the_worst_that_applies() {
        let closed = Counters {
            payments_total: 100,
            payments_successful: 90,
            workflows_total: 100,
            workflows_failed: 30,
            ..Counters::default()
        };
        let range = range("2026-02-25T00:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T12:00:00Z");
        let sums = Sums { closed, ..Sums::default() };
        let summary = Summary::new("a", range, Known::default(), (None, sums), range.to());
        assert_eq!(summary.system_health.status, Severity::Critical);
        assert_eq!(summary.system_health.alert_count, 2);
        let severities: Vec<_> = summary.kpis.iter().map(|figure| figure.severity).collect();
        use Severity::{Critical, Healthy, Warning};
        assert_eq!(severities, [Healthy, Warning, Critical, Healthy, Healthy]);
    }
}
