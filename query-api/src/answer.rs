//! What all answers share: how times are written, and the bytes a client gets.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::str::FromStr;

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
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Summary, Self::Trends, Self::WorkflowHealth, Self::Insights];

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

/// A name that no answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchScope;

impl FromStr for Scope {
    type Err = NoSuchScope;

    fn from_str(name: &str) -> Result<Self, NoSuchScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == name).ok_or(NoSuchScope)
    }
}

/// A finished answer: JSON, ready to send, and the tag by which a client asks whether it has it already.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The JSON.
    pub body: Bytes,
    /// A weak entity tag: it names the content, whatever the encoding it is sent in. Bytes, so that sending it copies
    /// nothing.
    pub etag: Bytes,
}

impl Answer {
    /// The answer whose JSON is `body`.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self { etag: etag(&body), body }
    }

    /// The answer `value`, as JSON.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        Self::new(serde_json::to_vec(value).expect("answers are structs, numbers and strings"))
    }
}

/// A weak entity tag of these bytes.
#[must_use]
pub fn etag(body: &Bytes) -> Bytes {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    format!("W/\"{:016x}\"", hasher.finish()).into()
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
