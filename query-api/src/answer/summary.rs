//! The summary: the organization and its plan, the KPIs and what they are compared with, alerts, health. Pure.

use crate::answer::comparison::{Change, Intervals};
use crate::answer::decimal::Tenths;
use crate::answer::known::Known;
use crate::answer::registry::{Alert, Base, Better, Judged, KPIS, Kpi, Severity, Unit};
use crate::answer::thresholds::Thresholds;
use crate::request::interval::Interval;
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

/// The intervals whose counters a summary is made of, all of whole quarters of an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts(Vec<Interval>);

impl Parts {
    /// Those of the range, each of which begins where another ends; and the interval that it is compared with, if there is one.
    #[must_use]
    pub fn of(range: &Range) -> Self {
        let settled = KPIS.iter().map(|kpi| range.older_than(kpi.settles_after));
        let mut edges: Vec<_> =
            [range.from(), range.compared_until(), range.to()].into_iter().chain(settled).collect();
        edges.sort_unstable();
        edges.dedup();
        let parts =
            edges.iter().zip(edges.iter().skip(1)).map(|(from, to)| Interval { from: *from, to: *to });
        Self(parts.chain(range.comparison().map(|seen| seen.previous)).collect())
    }

    /// The intervals.
    #[must_use]
    pub fn intervals(&self) -> &[Interval] {
        &self.0
    }
}

/// The counters of each part, and what they are judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The parts.
    pub parts: Parts,
    /// The counters of each.
    pub counters: Vec<Counters>,
    /// The organization's own thresholds.
    pub thresholds: Thresholds,
}

impl Sums {
    /// The counters of an interval that is made of parts.
    fn over(&self, interval: Interval) -> Counters {
        let within = |part: &Interval| interval.from <= part.from && part.to <= interval.to;
        let mut sum = Counters::default();
        let parts = self.parts.0.iter().zip(&self.counters);
        parts.filter(|(part, _)| within(part)).for_each(|(_, counters)| sum += counters);
        sum
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Figure {
    key: &'static str,
    label: &'static str,
    value: Tenths,
    unit: Unit,
    decimals: u8,
    #[serde(flatten)]
    change: Change,
    better: Better,
    severity: Severity,
    thresholds: Vec<Judged>,
    description: &'static str,
    base: Base,
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
    #[serde(serialize_with = "crate::request::timestamp::time_or_null")]
    records_from: Option<DateTime<Utc>>,
    comparison: Option<Intervals>,
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
        let figures: Vec<_> = KPIS.iter().map(|kpi| figure(kpi, &range, &sums)).collect();
        let (kpis, alerts): (Vec<_>, Vec<_>) = figures.into_iter().unzip();
        let alerts = alerts.concat();
        let (organization_name, plan) = profile.map_or((None, None), |profile| (profile.name, profile.plan));
        Self {
            organization_id,
            organization_name,
            plan,
            range,
            comparison: Intervals::of(&range, &known),
            records_from: known.records_from,
            known,
            kpis,
            system_health: Health { status: worst(&alerts), alert_count: alerts.len() },
            alerts,
            generated_at: now,
        }
    }

    /// Its alerts, and the range that they judge.
    #[must_use]
    pub fn into_alerts(self) -> (Range, Vec<Alert>) {
        (self.range, self.alerts)
    }
}

/// A KPI's figure, and its alerts, which judge only what has settled.
fn figure(kpi: &Kpi, range: &Range, sums: &Sums) -> (Figure, Vec<Alert>) {
    let until = |to| sums.over(Interval { from: range.from(), to });
    let [counters, settled] = [range.to(), range.older_than(kpi.settles_after)].map(until);
    let alerts: Vec<_> = kpi.alerts(&settled, &sums.thresholds).collect();
    let compared = range.comparison().map(|seen| [sums.over(seen.previous), sums.over(seen.current)]);
    let figure = Figure {
        key: kpi.key,
        label: kpi.label,
        value: kpi.value(&counters).tenths(),
        unit: kpi.unit,
        decimals: kpi.decimals,
        change: Change::of(kpi, compared.as_ref().map(|[previous, current]| [previous, current])),
        better: kpi.better,
        severity: worst(&alerts),
        thresholds: kpi.judged(&sums.thresholds),
        description: kpi.description,
        base: kpi.base(),
    };
    (figure, alerts)
}

fn worst(alerts: &[Alert]) -> Severity {
    alerts.iter().map(Alert::severity).max().unwrap_or(Severity::Healthy)
}

#[cfg(test)]
mod tests;
