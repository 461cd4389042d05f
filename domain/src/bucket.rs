//! Buckets of time, aligned to the UTC clock.

use chrono::{DateTime, Utc};

/// The width of a bucket. Every quarter of an hour lies in one hour, every hour in one UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BucketSize {
    /// 15 minutes.
    Quarter,
    /// 60 minutes.
    Hour,
    /// 24 hours, from UTC midnight.
    Day,
}

impl BucketSize {
    /// All sizes, the finest first.
    pub const ALL: [Self; 3] = [Self::Quarter, Self::Hour, Self::Day];
    /// The sizes that have tables of their own, the finer first. Quarters stand in the rows of their hours.
    pub const STORED: [Self; 2] = [Self::Hour, Self::Day];

    /// The bucket's width in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Quarter => 900,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The bucket's width in quarters of an hour.
    const fn quarters(self) -> i32 {
        match self {
            Self::Quarter => 1,
            Self::Hour => 4,
            Self::Day => 96,
        }
    }

    /// The table that holds the counters of this size; for quarters a view of the hours.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Quarter => "org_quarter_metrics",
            Self::Hour => "org_hourly_metrics",
            Self::Day => "org_daily_metrics",
        }
    }

    /// The table that holds messages by channel of this size; for quarters a view of the hours.
    #[must_use]
    pub const fn channel_table(self) -> &'static str {
        match self {
            Self::Quarter => "channel_quarter_metrics",
            Self::Hour => "channel_hourly_metrics",
            Self::Day => "channel_daily_metrics",
        }
    }

    /// The column that holds the bucket's start.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Quarter => "quarter_bucket",
            Self::Hour => "hour_bucket",
            Self::Day => "day_bucket",
        }
    }

    /// Start of the bucket that contains `time`.
    #[must_use]
    pub fn floor(self, time: DateTime<Utc>) -> DateTime<Utc> {
        from_seconds(time.timestamp().div_euclid(self.seconds()) * self.seconds())
    }

    /// The first bucket start that is not before `time`.
    #[must_use]
    pub fn ceil(self, time: DateTime<Utc>) -> DateTime<Utc> {
        let floor = self.floor(time);
        if floor == time { floor } else { from_seconds(floor.timestamp() + self.seconds()) }
    }
}

/// A quarter of an hour, numbered from the Unix epoch: the finest bucket, and the time part of a record's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter(i32);

impl Quarter {
    /// The quarter that contains the second `seconds` after the Unix epoch; `None` beyond ± 60,000 years.
    #[must_use]
    pub fn of_second(seconds: i64) -> Option<Self> {
        i32::try_from(seconds.div_euclid(BucketSize::Quarter.seconds())).ok().map(Self)
    }

    /// The quarter that contains `time`.
    #[must_use]
    pub fn of(time: DateTime<Utc>) -> Self {
        Self::of_second(time.timestamp()).expect("the quarters of chrono's years fit an i32")
    }

    /// Its number, counted from the Unix epoch.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Which of its hour's four quarters it is: 0 for the first.
    #[must_use]
    pub const fn of_hour(self) -> usize {
        self.0.rem_euclid(4) as usize
    }

    /// When it begins.
    #[must_use]
    pub fn start(self) -> DateTime<Utc> {
        from_seconds(i64::from(self.0) * BucketSize::Quarter.seconds())
    }

    /// The first quarter of the bucket of `size` that contains it.
    #[must_use]
    pub const fn first_of(self, size: BucketSize) -> Self {
        let quarters = size.quarters();
        Self(self.0.div_euclid(quarters) * quarters)
    }

    /// Start of the bucket of `size` that contains it.
    #[must_use]
    pub fn bucket(self, size: BucketSize) -> DateTime<Utc> {
        self.first_of(size).start()
    }
}

fn from_seconds(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time of chrono's, moved by less than a day")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn buckets_are_half_open() {
        let check = |size: BucketSize, time, floor, ceil| {
            assert_eq!(size.floor(at(time)), at(floor), "floor of {time}");
            assert_eq!(size.ceil(at(time)), at(ceil), "ceil of {time}");
        };
        check(BucketSize::Hour, "2026-02-25T10:00:00Z", "2026-02-25T10:00:00Z", "2026-02-25T10:00:00Z");
        check(BucketSize::Hour, "2026-02-25T10:59:59.999Z", "2026-02-25T10:00:00Z", "2026-02-25T11:00:00Z");
        check(BucketSize::Day, "1969-12-31T23:59:59Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z");
        check(BucketSize::Quarter, "2026-02-25T10:14:59.5Z", "2026-02-25T10:00:00Z", "2026-02-25T10:15:00Z");
    }

    proptest! {
        #[test]
        fn a_quarter_lies_in_one_bucket_of_every_size(seconds in -4_000_000_000i64..4_000_000_000) {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            let quarter = Quarter::of(time);
            for size in BucketSize::ALL {
                prop_assert_eq!(quarter.bucket(size), size.floor(time));
            }
            let hour = quarter.bucket(BucketSize::Hour);
            prop_assert_eq!(quarter.start() - hour, chrono::TimeDelta::minutes(15 * quarter.of_hour() as i64));
        }
    }
}
