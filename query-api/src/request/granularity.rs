//! The width of a range's buckets: an hour or a day. Pure.

use chrono::TimeDelta;
use serde::Serialize;

/// The longest range that is shown by the hour unless the request names a granularity; longer ones are shown by the day.
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
    /// Both, the finer first.
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// Its name in requests, answers and keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// The default for a range of this length.
    #[must_use]
    pub fn of_length(length: TimeDelta) -> Self {
        if length <= HOURLY_LENGTH_MAX { Self::Hour } else { Self::Day }
    }
}
