//! How far an answer's numbers can be relied on. Pure.

use crate::request::cells::Cells;
use crate::request::compare::Comparison;
use crate::request::interval::Interval;
use chrono::{DateTime, Utc};
use domain::BucketSize;
use serde::Serialize;

/// As answers show it: `{"completeThrough"}`, and a member for each thing that earlier versions did not count and the answer
/// needs.
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
    /// Some messages before this instant were counted without their channels. `None` where all have theirs.
    #[serde(
        serialize_with = "crate::request::timestamp::time_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    pub channels_from: Option<DateTime<Utc>>,
    /// Intervals of the comparison that begin or end before this instant, within an hour of UTC, are not exact: such an hour counts
    /// where it begins. `None` where they are exact.
    #[serde(skip)]
    pub comparison_exact_from: Option<DateTime<Utc>>,
    /// The start of the first hour of UTC in which anything was counted for the organization. `None` if there is none, and in answers
    /// that never compare.
    #[serde(skip)]
    pub records_from: Option<DateTime<Utc>>,
    /// The numbers include all records that the brokers held at this instant, but for those of partitions that stand still
    /// while others of their topic go on.
    #[serde(skip)]
    pub mostly_through: Option<DateTime<Utc>>,
}

/// Up to when records are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Through {
    /// In every partition; `None` while some has never been read.
    pub all: Option<DateTime<Utc>>,
    /// In some partition of every topic; `None` while none of some topic has been read.
    pub most: Option<DateTime<Utc>>,
}

/// Since when rows have what earlier versions did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    /// Hours know their quarters.
    pub quarters: DateTime<Utc>,
    /// All runs are in histograms.
    pub percentiles: DateTime<Utc>,
    /// All messages are counted by channel.
    pub channels: DateTime<Utc>,
}

/// What an answer is made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Basis<'a> {
    /// The cells of the range whose counters it has.
    pub cells: Option<&'a Cells>,
    /// What is compared.
    pub comparison: Option<Comparison>,
    /// The cells of the interval compared with; none where it is read as a whole.
    pub compared: Option<&'a Cells>,
    /// The interval of whose runs it has percentiles.
    pub runs: Option<Interval>,
    /// The interval whose messages it has by channel.
    pub channels: Option<Interval>,
    /// Whether its rows are whole hours of UTC, of which none knows its quarters.
    pub by_hours: bool,
}

impl Known {
    /// What is known of an answer.
    #[must_use]
    pub fn of(through: Through, since: Since, basis: Basis) -> Self {
        let since =
            if basis.by_hours { Since { quarters: DateTime::<Utc>::MAX_UTC, ..since } } else { since };
        let of_quarters = basis.cells.filter(|cells| cells.rows() == BucketSize::Quarter);
        let extent = of_quarters.and_then(Cells::extent).map(|(from, to)| Interval { from, to });
        Self {
            complete_through: through.all,
            mostly_through: through.most,
            exact_from: begins_before(extent, since.quarters),
            comparison_exact_from: basis.comparison_exact_from(since.quarters),
            records_from: None,
            percentiles_from: begins_before(basis.runs, since.percentiles),
            channels_from: begins_before(basis.channels, since.channels),
        }
    }
}

impl Basis<'_> {
    /// Only an edge within an hour can cut an hour that doesn't know its quarters.
    fn comparison_exact_from(&self, quarters: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let Comparison { current, previous, .. } = self.comparison?;
        let compared = self.compared.map(Cells::edges).unwrap_or_default();
        let edges = [current.from, current.to, previous.from, previous.to];
        let cuts = |edge: &DateTime<Utc>| *edge < quarters && BucketSize::Hour.floor(*edge) != *edge;
        edges.iter().chain(compared).any(cuts).then(|| quarters.min(current.to))
    }
}

/// The end of the part of an interval that is before `since`; `None` if there is no such part.
fn begins_before(interval: Option<Interval>, since: DateTime<Utc>) -> Option<DateTime<Utc>> {
    interval.filter(|interval| interval.from < since).map(|interval| interval.to.min(since))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::compare::{self, Compare};
    use crate::request::zone::Zone;

    const ALWAYS: Since = Since {
        quarters: DateTime::<Utc>::MIN_UTC,
        percentiles: DateTime::<Utc>::MIN_UTC,
        channels: DateTime::<Utc>::MIN_UTC,
    };

    #[test]
    fn only_buckets_off_the_hours_of_a_time_without_quarters_are_inexact() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let cells = |from: &str, to: &str| Cells::between(vec![at(from), at(to)]);
        let utc = cells("2026-02-24T00:00:00Z", "2026-02-25T00:00:00Z");
        let kolkata = cells("2026-02-23T18:30:00Z", "2026-02-24T18:30:00Z");
        let exact_from = |quarters: DateTime<Utc>, cells: &Cells| {
            let basis = Basis { cells: Some(cells), ..Basis::default() };
            Known::of(Through::default(), Since { quarters, ..ALWAYS }, basis).exact_from
        };
        assert_eq!(exact_from(DateTime::<Utc>::MIN_UTC, &kolkata), None);
        assert_eq!(exact_from(DateTime::<Utc>::MAX_UTC, &utc), None);
        assert_eq!(exact_from(DateTime::<Utc>::MAX_UTC, &kolkata), Some(at("2026-02-24T18:30:00Z")));
        let since = at("2026-02-24T00:00:00Z");
        assert_eq!(exact_from(since, &kolkata), Some(since));
        assert_eq!(exact_from(at("2026-02-23T00:00:00Z"), &kolkata), None);
        assert_eq!(
            serde_json::to_value(Known::default()).unwrap(),
            serde_json::json!({ "completeThrough": null })
        );
    }

    #[test]
    fn a_comparison_is_inexact_only_if_it_cuts_an_hour_that_does_not_know_its_quarters() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let exact_from = |to: &str, quarters: &str| {
            let current = Interval { from: at("2026-02-25T00:00:00Z"), to: at(to) };
            let comparison = compare::comparison(Compare::PreviousPeriod, current, current.to, Zone::UTC);
            let basis = Basis { comparison, ..Basis::default() };
            Known::of(Through::default(), Since { quarters: at(quarters), ..ALWAYS }, basis)
                .comparison_exact_from
        };
        // From 13:45 on the day before.
        let (whole, cut) = ("2026-02-25T10:00:00Z", "2026-02-25T10:15:00Z");
        assert_eq!(exact_from(whole, "2027-01-01T00:00:00Z"), None);
        assert_eq!(exact_from(cut, "2026-02-24T13:00:00Z"), None);
        assert_eq!(exact_from(cut, "2026-02-24T14:00:00Z"), Some(at("2026-02-24T14:00:00Z")));
        assert_eq!(exact_from(cut, "2027-01-01T00:00:00Z"), Some(at(cut)));
    }

    #[test]
    fn rows_of_whole_hours_know_no_quarters_whatever_was_counted_since() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let check = |edges: [&str; 2], expected: Option<&str>| {
            let cells = Cells::between(edges.map(at).to_vec());
            let basis = Basis { cells: Some(&cells), by_hours: true, ..Basis::default() };
            let seen = Known::of(Through::default(), ALWAYS, basis).exact_from;
            assert_eq!(seen, expected.map(at), "{edges:?}");
        };
        check(["2026-02-24T00:00:00Z", "2026-02-25T00:00:00Z"], None);
        check(["2026-02-23T18:15:00Z", "2026-02-24T18:15:00Z"], Some("2026-02-24T18:15:00Z"));
    }

    #[test]
    fn what_was_not_counted_before_is_said_of_the_answers_that_need_it() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let day = Interval { from: at("2026-02-24T00:00:00Z"), to: at("2026-02-25T00:00:00Z") };
        let check = |since: DateTime<Utc>, expected: Option<DateTime<Utc>>| {
            let of = |basis| {
                let known = Known::of(
                    Through::default(),
                    Since { percentiles: since, channels: since, ..ALWAYS },
                    basis,
                );
                (known.percentiles_from, known.channels_from)
            };
            assert_eq!(of(Basis { runs: Some(day), ..Basis::default() }), (expected, None), "{since}");
            assert_eq!(of(Basis { channels: Some(day), ..Basis::default() }), (None, expected), "{since}");
            assert_eq!(of(Basis::default()), (None, None), "{since}");
        };
        check(DateTime::<Utc>::MIN_UTC, None);
        check(day.from, None);
        check(at("2026-02-24T07:00:00Z"), Some(at("2026-02-24T07:00:00Z")));
        check(at("2026-03-01T00:00:00Z"), Some(day.to));
        check(DateTime::<Utc>::MAX_UTC, Some(day.to));
    }
}
