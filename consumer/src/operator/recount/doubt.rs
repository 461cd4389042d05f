//! Records of which it isn't known whether they were counted: dead letters are kept for a while only.

use super::settings::Recount;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Members are taken to have read a record within this time, in seconds: a week. One that they read later was older by then.
const READ_WITHIN: i64 = 7 * 86_400;

/// When a record that the tables don't have as refused may have been refused for the clock's sake.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    /// Dead letters of records from before this second since the Unix epoch may be gone.
    kept_from: i64,
    /// How far ahead of the clock a record's time may be, in seconds.
    skew: i64,
    /// The ledger's floor, and how many seconds ago it is.
    floor: i64,
    age: i64,
}

impl Doubt {
    /// By the settings, the database's clock and the ledger's floor.
    pub fn new(settings: &Recount, now: DateTime<Utc>, floor: i64) -> Self {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self {
            kept_from: now.timestamp() - i64::from(settings.dead_letter_retention_days) * 86_400,
            skew: seconds(settings.future_skew_max),
            floor,
            age: now.timestamp().saturating_sub(floor),
        }
    }

    /// The same where dead letters are gone, however young they were.
    pub const fn without_letters(self) -> Self {
        Self { kept_from: i64::MAX, ..self }
    }

    /// Whether a record of this identity time, with the broker's timestamp in milliseconds, may have been refused without a
    /// trace.
    pub fn has(&self, second: i64, timestamp_ms: Option<i64>) -> bool {
        let Some(stamp) = timestamp_ms.map(|ms| ms.div_euclid(1_000)) else { return false };
        let was_ahead = second > stamp.saturating_add(self.skew);
        let was_old = second < self.floor && stamp - second > self.age - READ_WITHIN;
        stamp < self.kept_from && (was_ahead || was_old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_records_are_doubtful_that_were_late_or_ahead() {
        const DAY: i64 = 86_400;
        let now = 1_000 * DAY;
        let doubt = Doubt { kept_from: now - 30 * DAY, skew: 3_600, floor: now - 35 * DAY, age: 35 * DAY };
        let check = |second: i64, stamp: i64, expected| {
            assert_eq!(doubt.has(now - second, Some((now - stamp) * 1_000)), expected, "{second} {stamp}");
        };
        check(40 * DAY, 40 * DAY, false);
        check(40 * DAY - 3_601, 40 * DAY, true);
        check(20 * DAY - 3_601, 20 * DAY, false);
        check(69 * DAY, 40 * DAY, true);
        check(60 * DAY, 40 * DAY, false);
        check(60 * DAY, 20 * DAY, false);
        assert!(!doubt.has(now, None));
        assert!(doubt.without_letters().has(now - 20 * DAY + 3_601, Some((now - 20 * DAY) * 1_000)));
        assert!(!doubt.without_letters().has(now - 20 * DAY, Some((now - 20 * DAY) * 1_000)));
        let without_floor = Doubt { floor: i64::MIN, age: i64::MAX, ..doubt };
        assert!(!without_floor.has(0, Some((now - 40 * DAY) * 1_000)));
    }
}
