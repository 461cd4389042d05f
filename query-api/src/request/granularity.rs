//! Hours or days: the width of a range's buckets. Pure.

use chrono::TimeDelta;
use serde::Serialize;

/// Without `granularity`, ranges up to this length are shown by the hour, longer ones by the day.
const HOURLY_LENGTH_MAX: TimeDelta = TimeDelta::hours(72);

/// The width of a range's buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// An hour of the zone's clock.
    Hour,
    /// A day of the zone's calendar.
    Day,
}

impl Granularity {
    /// Its name in requests, answers and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// What a range of this length is shown by, unless it is asked for.
    #[must_use]
    pub fn of_length(length: TimeDelta) -> Self {
        if length <= HOURLY_LENGTH_MAX { Self::Hour } else { Self::Day }
    }
}
