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
//! sample is too small, and hours that may not be counted completely are not judged. But a partition that stands still while others
//! of its topic go on holds nothing up: the answer says since when its records may be missing.

mod history;
mod insight;
mod rows;
mod rules;
mod statistics;
mod window;

pub use insight::{Insight, Severity};
pub use rows::Rows;
pub use window::Window;

use crate::answer::known::{Known, Through};
use crate::request::interval::Interval;
use crate::request::range::Range;
use chrono::{DateTime, TimeDelta, Utc};
use history::History;
use serde::Serialize;

/// How many insights an answer has, the gravest first.
const INSIGHTS_MAX: usize = 20;

/// A partition that is this far behind the others of its topic holds up no insights.
const STANDS_STILL: TimeDelta = TimeDelta::minutes(1);

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Insights<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    /// The hours that are judged.
    judged: Option<Interval>,
    /// Only there if some hours of the range may lack records: since when, or null if that is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    incomplete_since: Option<Time>,
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
        let through = Through { all: known.complete_through, most: known.mostly_through };
        let judged = window.judged_until(judged_through(through));
        let incomplete = through.all.is_none_or(|all| all < window.judged().to);
        Self {
            organization_id,
            range,
            known,
            judged,
            incomplete_since: incomplete.then_some(Time(through.all)),
            insights: find(window, through, rows),
            generated_at: now,
        }
    }
}

/// A time, or null if it is unknown.
#[derive(Serialize)]
#[serde(transparent)]
struct Time(#[serde(serialize_with = "crate::request::timestamp::time_or_null")] Option<DateTime<Utc>>);

/// What stands out, the gravest first. Nothing does while none of a topic's partitions has been read, because it is unknown how
/// much is missing.
#[must_use]
pub fn find(window: &Window, through: Through, rows: &Rows) -> Vec<Insight> {
    let history = judged_through(through).and_then(|through| History::new(window, through, &rows.hours));
    let Some(history) = history else { return Vec::new() };
    let mut insights = rules::apply(&history, rows);
    insights.iter_mut().for_each(|insight| qualify(insight, &history, through.all));
    insights.sort_by_key(|insight| std::cmp::Reverse(insight.severity));
    insights.truncate(INSIGHTS_MAX);
    insights
}

/// Up to when hours are judged: not beyond what is counted completely, unless a partition stands still.
fn judged_through(Through { all, most }: Through) -> Option<DateTime<Utc>> {
    let goes_on = all.zip(most).is_some_and(|(all, most)| most - all <= STANDS_STILL);
    if goes_on { all } else { most }
}

/// Says so of an insight about hours of which records may be missing; nobody should act on that alone.
fn qualify(insight: &mut Insight, history: &History, complete_through: Option<DateTime<Utc>>) {
    let missing = match complete_through {
        Some(through) if insight.period.to <= through => return,
        Some(through) => format!(" Some records since {} may be missing.", history.shown(through)),
        None => " Some records may be missing: a partition has never been read.".to_owned(),
    };
    insight.sentence.push_str(&missing);
    insight.severity = insight.severity.min(Severity::Warning);
}

#[cfg(test)]
mod tests;
