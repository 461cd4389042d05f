//! Adjoining intervals whose rows are summed up, and how wide those rows are. Pure.

use crate::request::interval::Interval;
use chrono::{DateTime, Utc};
use domain::BucketSize;

/// Half-open intervals, the cells, each of which ends where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    edges: Vec<DateTime<Utc>>,
    rows: BucketSize,
}

impl Cells {
    /// The cells between `edges`, which ascend. Between two equal edges the cell is empty.
    #[must_use]
    pub fn between(edges: Vec<DateTime<Utc>>) -> Self {
        let fits = |size: &BucketSize| edges.iter().all(|edge| size.floor(*edge) == *edge);
        let rows = BucketSize::ALL.into_iter().rev().find(fits).unwrap_or(BucketSize::Quarter);
        Self { edges, rows }
    }

    /// The starts of the cells, and the end of the last.
    #[must_use]
    pub fn edges(&self) -> &[DateTime<Utc>] {
        &self.edges
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The widest rows that fill every cell exactly: days where all edges are midnights of UTC, quarters of an hour where
    /// a zone needs them. The wider the rows, the fewer are read.
    #[must_use]
    pub const fn rows(&self) -> BucketSize {
        self.rows
    }

    /// Whole UTC days of whole cells: the longest run of edges that are midnights, from the first of them on. An empty interval at
    /// the end if there is none.
    #[must_use]
    pub fn whole_days(&self) -> Interval {
        let is_midnight = |edge: &&DateTime<Utc>| BucketSize::Day.floor(**edge) == **edge;
        let midnights = self.edges.iter().skip_while(|edge| !is_midnight(edge)).take_while(is_midnight);
        let end = self.edges.last().copied().unwrap_or_default();
        let from = midnights.clone().next().copied().unwrap_or(end);
        Interval { from, to: midnights.last().copied().unwrap_or(end) }
    }

    /// The start of the first cell and the end of the last; `None` where there is no cell.
    #[must_use]
    pub fn extent(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.edges.first().copied().zip(self.edges.last().copied()).filter(|_| !self.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_every_edge_allows() {
        let check = |edges: &[&str], expected| {
            let cells = Cells::between(edges.iter().map(|edge| edge.parse().unwrap()).collect());
            assert_eq!(cells.rows(), expected, "{edges:?}");
        };
        check(&["2026-02-24T00:00:00Z", "2026-02-25T00:00:00Z"], BucketSize::Day);
        check(&["2026-02-24T00:00:00Z", "2026-02-24T23:00:00Z"], BucketSize::Hour);
        check(&["2026-02-24T00:00:00Z", "2026-02-24T18:15:00Z", "2026-02-25T00:00:00Z"], BucketSize::Quarter);
    }

    #[test]
    fn whole_days_are_those_whose_edges_are_all_midnights() {
        let check = |edges: &[&str], expected: [&str; 2]| {
            let at = |text: &str| format!("2026-02-{text}:00Z").parse::<DateTime<Utc>>().unwrap();
            let days = Cells::between(edges.iter().map(|edge| at(edge)).collect()).whole_days();
            assert_eq!([days.from, days.to], expected.map(at), "{edges:?}");
        };
        check(&["20T00:00", "21T00:00", "22T00:00"], ["20T00:00", "22T00:00"]);
        check(&["20T00:00", "21T00:00", "21T10:00"], ["20T00:00", "21T00:00"]);
        check(&["20T07:00", "21T00:00", "22T00:00", "22T10:00"], ["21T00:00", "22T00:00"]);
        check(&["20T00:00", "21T00:00", "21T10:00", "22T00:00"], ["20T00:00", "21T00:00"]);
        check(&["20T23:00", "21T23:00"], ["21T23:00", "21T23:00"]);
        check(&["20T23:00", "21T00:00", "21T01:00"], ["21T00:00", "21T00:00"]);
    }

    #[test]
    fn no_edges_reach_nowhere() {
        assert_eq!(Cells::between(Vec::new()).extent(), None);
        assert_eq!(Cells::between(vec![DateTime::UNIX_EPOCH]).extent(), None);
    }
}
