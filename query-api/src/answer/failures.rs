//! Failed runs, newest first, a page of them. Pure.

use crate::answer::known::Known;
use crate::request::listing::failures::FailureCursor;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A failed run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The id of its execution.
    pub execution_id: String,
    /// The id of its workflow.
    pub workflow_id: String,
    /// The name of its workflow.
    pub workflow_name: String,
    /// `FAILED` or `FAILED_SAFETY_LIMIT`.
    pub outcome: String,
    /// The message it ended with.
    pub error_message: String,
    /// How long it ran.
    pub execution_time_ms: i64,
    /// When it ended.
    #[serde(serialize_with = "crate::request::timestamp::time")]
    pub finished_at: DateTime<Utc>,
}

/// The answer, as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures<'a> {
    organization_id: &'a str,
    range: Range,
    #[serde(flatten)]
    known: Known,
    failures: Vec<Failure>,
    next_cursor: Option<String>,
    #[serde(serialize_with = "crate::request::timestamp::time")]
    generated_at: DateTime<Utc>,
}

impl<'a> Failures<'a> {
    /// Composes the answer from the rows: the page, and one more if there is one.
    #[must_use]
    pub fn new(
        organization_id: &'a str,
        range: Range,
        known: Known,
        failures: Vec<Failure>,
        limit: u16,
        now: DateTime<Utc>,
    ) -> Self {
        let (failures, next_cursor) = failures_page(failures, limit);
        Self { organization_id, range, known, failures, next_cursor, generated_at: now }
    }
}

impl Failure {
    /// Where the page after this failure begins.
    #[must_use]
    pub fn cursor(&self) -> FailureCursor {
        FailureCursor { finished_at: self.finished_at, execution_id: self.execution_id.clone() }
    }
}

/// The failures of the page, and where the next one begins if there is one.
pub fn failures_page(mut failures: Vec<Failure>, limit: u16) -> (Vec<Failure>, Option<String>) {
    let more = cut(&mut failures, limit);
    let next = failures.last().filter(|_| more).map(|last| last.cursor().to_text());
    (failures, next)
}

/// Cuts a list to `limit` items. Whether there were more.
pub fn cut<T>(items: &mut Vec<T>, limit: u16) -> bool {
    let more = items.len() > usize::from(limit);
    items.truncate(limit.into());
    more
}
