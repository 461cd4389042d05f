//! A half-open interval of time. Pure.

use chrono::{DateTime, Utc};
use domain::BucketSize;
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

impl Interval {
    fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// The widest rows that fill it exactly, in at most five runs: days in the middle, hours around them, and quarters of an hour
    /// at both ends. Its ends are whole quarters.
    #[must_use]
    pub fn in_rows(self) -> Vec<(BucketSize, Self)> {
        let [first, hours, last] = self.split(BucketSize::Hour);
        let [morning, days, evening] = hours.split(BucketSize::Day);
        let quarters = [first, last].map(|run| (BucketSize::Quarter, run));
        let hours = [morning, evening].map(|run| (BucketSize::Hour, run));
        let runs = quarters.into_iter().chain(hours).chain([(BucketSize::Day, days)]);
        runs.filter(|(_, run)| !run.is_empty()).collect()
    }

    /// What is before its whole buckets of `size`, these, and what is after them. Where there are none, all is before them.
    fn split(self, size: BucketSize) -> [Self; 3] {
        let Self { from, to } = self;
        let (start, end) = (size.ceil(from), size.floor(to));
        let (start, end) = if start <= end { (start, end) } else { (to, to) };
        [(from, start), (start, end), (end, to)].map(|(from, to)| Self { from, to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn its_rows_fill_it_exactly_and_few_are_no_days(from in 0..40_000i64, length in 0..20_000i64) {
            let quarter = |n: i64| DateTime::from_timestamp(n * 900, 0).unwrap();
            let interval = Interval { from: quarter(from), to: quarter(from + length) };
            let mut runs = interval.in_rows();
            runs.sort_by_key(|(_, run)| run.from);
            let mut at = interval.from;
            for (size, run) in &runs {
                prop_assert_eq!((run.from, size.floor(run.from), size.floor(run.to)), (at, run.from, run.to));
                prop_assert!(run.from < run.to);
                at = run.to;
            }
            prop_assert_eq!(at, interval.to);
            let rows = |size: BucketSize| -> i64 {
                let of_size = runs.iter().filter(|(other, _)| *other == size);
                of_size.map(|(_, run)| (run.to - run.from).num_seconds() / size.seconds()).sum()
            };
            prop_assert!(rows(BucketSize::Quarter) <= 6 && rows(BucketSize::Hour) <= 46, "{:?}", runs);
        }
    }
}
