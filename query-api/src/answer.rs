//! What all answers share: how times are written, and the bytes a client gets.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// The kinds of answers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// KPIs against the period before, alerts, health.
    Summary,
    /// The buckets as series.
    Trends,
    /// Workflow outcomes, per workflow, and the recent failures.
    WorkflowHealth,
    /// What stands out, in sentences.
    Insights,
}

impl Scope {
    /// Its name: the last part of the path, and of the cache key.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Trends => "trends",
            Self::WorkflowHealth => "workflow-health",
            Self::Insights => "insights",
        }
    }
}

/// A finished answer: JSON, ready to send, and the tag by which a client asks whether it has it already.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The JSON.
    pub body: Bytes,
    /// A weak entity tag: it names the content, whatever the encoding it is sent in.
    pub etag: String,
}

impl Answer {
    /// The answer whose JSON is `body`.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self { etag: format!("W/\"{:016x}\"", hasher.finish()), body }
    }

    /// The answer `value`, as JSON.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self::new(serde_json::to_vec(value).expect("answers are structs, numbers and strings"))
    }
}

/// Writes a time that may be unknown: null then.
pub(crate) fn time_or_null<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(known) => self::time(known, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes a time as answers do: UTC, milliseconds, `Z`.
pub(crate) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
}
