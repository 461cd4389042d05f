//! Points in time, as an operator writes and reads them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Parses a point in time: RFC 3339, or how long ago.
///
/// # Errors
/// When the text is neither; the error shows how to write one.
pub fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| TimeDelta::from_std(ago).ok());
    ago.and_then(|ago| Utc::now().checked_sub_signed(ago)).ok_or_else(|| {
        "a time is written like 2026-02-25T10:00:00Z, or as how long ago, like 2h or 3d".to_owned()
    })
}

/// The time to the second, or nothing.
#[must_use]
pub fn shown(time: Option<DateTime<Utc>>) -> String {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default()
}

/// The time to the millisecond, for programs.
#[must_use]
pub fn exact(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
