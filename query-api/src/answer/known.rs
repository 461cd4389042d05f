//! How far an answer's numbers can be relied on. Pure.

use crate::request::cells::Cells;
use crate::request::interval::Interval;
use chrono::{DateTime, Utc};
use domain::BucketSize;
use serde::Serialize;

/// As answers show it: `{"completeThrough"}`, and `{"exactFrom"}` where not all of the answer is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// The numbers include all records that the brokers held at this instant; `None` while some partition has never been
    /// read.
    #[serde(serialize_with = "crate::request::timestamp::time_or_null")]
    pub complete_through: Option<DateTime<Utc>>,
    /// Buckets that begin before this instant don't begin with an hour of UTC, and hours of that time don't know their
    /// quarters: each counts in the bucket in which it begins. `None` where all buckets are exact.
    #[serde(
        serialize_with = "crate::request::timestamp::time_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub exact_from: Option<DateTime<Utc>>,
    /// Some runs before this instant were counted before there were histograms, so percentiles leave them out. `None` where
    /// they have all.
    #[serde(
        serialize_with = "crate::request::timestamp::time_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub percentiles_from: Option<DateTime<Utc>>,
}

/// Since when rows have what earlier versions did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Hours know their quarters.
    pub quarters: DateTime<Utc>,
    /// All runs are in histograms.
    pub percentiles: DateTime<Utc>,
}

impl Known {
    /// What is known of an answer that is made of these cells, and of the runs of an interval.
    #[must_use]
    pub fn of(
        complete_through: Option<DateTime<Utc>>,
        since: Since,
        cells: &[&Cells],
        runs: Option<Interval>,
    ) -> Self {
        let of_quarters = cells.iter().filter(|cells| cells.rows() == BucketSize::Quarter);
        let inexact =
            of_quarters.filter_map(|cells| cells.extent()).filter(|(from, _)| *from < since.quarters);
        let exact_from = inexact.map(|(_, to)| to.min(since.quarters)).max();
        let percentiles = runs.filter(|runs| runs.from < since.percentiles);
        let percentiles_from = percentiles.map(|runs| runs.to.min(since.percentiles));
        Self { complete_through, exact_from, percentiles_from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_off_the_hours_of_a_time_without_quarters_are_inexact() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let cells = |from: &str, to: &str| Cells::between(vec![at(from), at(to)]);
        let utc = cells("2026-02-24T00:00:00Z", "2026-02-25T00:00:00Z");
        let kolkata = cells("2026-02-23T18:30:00Z", "2026-02-24T18:30:00Z");
        let year_before = cells("2025-02-23T18:30:00Z", "2025-02-24T18:30:00Z");
        let exact_from = |quarters: DateTime<Utc>, cells: &[&Cells]| {
            Known::of(None, Since { quarters, percentiles: DateTime::<Utc>::MIN_UTC }, cells, None).exact_from
        };
        assert_eq!(exact_from(DateTime::<Utc>::MIN_UTC, &[&kolkata, &year_before]), None);
        assert_eq!(exact_from(DateTime::<Utc>::MAX_UTC, &[&utc]), None);
        assert_eq!(exact_from(DateTime::<Utc>::MAX_UTC, &[&kolkata]), Some(at("2026-02-24T18:30:00Z")));
        let since = at("2025-02-24T00:00:00Z");
        assert_eq!(exact_from(since, &[&kolkata, &year_before]), Some(since));
        assert_eq!(exact_from(since, &[&kolkata]), None);
        assert_eq!(
            serde_json::to_value(Known::default()).unwrap(),
            serde_json::json!({ "completeThrough": null })
        );
    }

    #[test]
    fn percentiles_leave_runs_out_that_were_counted_before_there_were_any() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let runs = Interval { from: at("2026-02-24T00:00:00Z"), to: at("2026-02-25T00:00:00Z") };
        let from = |percentiles: &str| {
            let since = Since { quarters: DateTime::<Utc>::MIN_UTC, percentiles: at(percentiles) };
            Known::of(None, since, &[], Some(runs)).percentiles_from
        };
        assert_eq!(from("2026-02-24T00:00:00Z"), None);
        assert_eq!(from("2026-02-24T07:00:00Z"), Some(at("2026-02-24T07:00:00Z")));
        assert_eq!(from("2026-03-01T00:00:00Z"), Some(runs.to));
    }
}
