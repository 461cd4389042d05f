//! How answers write times. Pure.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// A time as answers write it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Time(#[serde(serialize_with = "time")] pub(crate) DateTime<Utc>);

/// Writes a time, or null if it is unknown.
pub(crate) fn time_or_null<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(known) => self::time(known, serializer),
        None => serializer.serialize_none(),
    }
}

/// Writes a time in UTC with milliseconds and `Z`.
pub(crate) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&time.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
}
