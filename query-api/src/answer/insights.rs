//! Insights: what stands out in an organization's own history, in sentences, each with the numbers it rests on. Pure.
//!
//! Plain statistics of the counters, the same for the same rows: no model, and nobody else is asked. Of too little data
//! nothing is said, and nothing of hours that may not be counted to their end.

mod past;
mod rules;

pub use past::Scene;

use crate::answer::decimal::Tenths;
use crate::answer::workflow_health::{Runs, Workflow};
use crate::request::compare::Interval;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use domain::Counters;
use past::Past;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many insights an answer has, the gravest first.
const INSIGHTS_MAX: usize = 20;

/// How grave it is; the greater, the graver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Somebody should act.
    Critical,
}

/// Something that stands out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Insight {
    /// Its stable name.
    pub key: String,
    /// The KPI it is about, if it is about one.
    pub kpi: Option<&'static str>,
    /// How grave it is.
    pub severity: Severity,
    /// Its headline.
    pub title: String,
    /// What stands out, with the numbers that matter.
    pub sentence: String,
    /// When.
    pub period: Interval,
    /// What it rests on, by name; percentages are of a hundred.
    pub numbers: BTreeMap<&'static str, Tenths>,
    /// What to look at next.
    pub next: &'static str,
}

/// What the tables say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// The counters of the scene's hours.
    pub hours: Vec<Counters>,
    /// Runs of the judged period over all workflows.
    pub totals: Runs,
    /// Workflows of the judged period, those with most failures first.
    pub workflows: Vec<Workflow>,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Insights<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(serialize_with = "crate::request::timestamp::time_or_null")]
    complete_through: Option<DateTime<Utc>>,
    insights: Vec<Insight>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> Insights<'a> {
    /// Composes the answer from what the tables say of `scene`.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        complete_through: Option<DateTime<Utc>>,
        scene: &Scene,
        rows: &Rows,
        now: DateTime<Utc>,
    ) -> Self {
        let insights = found(scene, complete_through, rows);
        Self { organization_id, range, complete_through, insights, generated_at: now }
    }
}

/// What stands out, the gravest first. While some partition has never been read nobody knows how much is missing.
#[must_use]
pub fn found(scene: &Scene, complete_through: Option<DateTime<Utc>>, rows: &Rows) -> Vec<Insight> {
    let past = complete_through.and_then(|through| Past::of(scene, through, &rows.hours));
    let mut insights = past.map(|past| rules::all(&past, rows)).unwrap_or_default();
    insights.sort_by_key(|insight| std::cmp::Reverse(insight.severity));
    insights.truncate(INSIGHTS_MAX);
    insights
}

#[cfg(test)]
mod tests;
