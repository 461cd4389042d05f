//! Insights: what stands out in an organization's own history, in sentences, each with the numbers it rests on. Pure.
//!
//! ```text
//! window      which hours are judged, and which are the history before them
//! history     their counters, and what is usual for an hour of the week
//! statistics  medians and standard errors
//! rules       one file a rule: what stands out
//! ```
//!
//! Insights are plain statistics of the counters, so the same rows make the same insights. A rule says nothing when its
//! sample is too small, and hours that may not be counted completely are not judged.

mod history;
mod insight;
mod rows;
mod rules;
mod statistics;
mod window;

pub use insight::{Insight, Severity};
pub use rows::Rows;
pub use window::Window;

use crate::answer::known::Known;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use history::History;
use serde::Serialize;

/// How many insights an answer has, the gravest first.
const INSIGHTS_MAX: usize = 20;

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Insights<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    insights: Vec<Insight>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> Insights<'a> {
    /// Composes the answer from the rows of `window`.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        window: &Window,
        rows: &Rows,
        now: DateTime<Utc>,
    ) -> Self {
        let insights = find(window, known.complete_through, rows);
        Self { organization_id, range, known, insights, generated_at: now }
    }
}

/// What stands out, the gravest first. Nothing does while some partition has never been read, because it is unknown how
/// much is missing.
#[must_use]
pub fn find(window: &Window, complete_through: Option<DateTime<Utc>>, rows: &Rows) -> Vec<Insight> {
    let history = complete_through.and_then(|through| History::new(window, through, &rows.hours));
    let mut insights = history.map(|history| rules::apply(&history, rows)).unwrap_or_default();
    insights.sort_by_key(|insight| std::cmp::Reverse(insight.severity));
    insights.truncate(INSIGHTS_MAX);
    insights
}

#[cfg(test)]
mod tests;
