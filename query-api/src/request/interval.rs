//! A half-open interval of time. Pure.

use chrono::{DateTime, Utc};
use serde::Serialize;

/// The interval `[from, to)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Its start.
    #[serde(serialize_with = "crate::request::timestamp::time")]
    pub from: DateTime<Utc>,
    /// Its end.
    #[serde(serialize_with = "crate::request::timestamp::time")]
    pub to: DateTime<Utc>,
}
