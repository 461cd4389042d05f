//! Adjoining intervals whose rows are summed up, and how wide those rows are. Pure.

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
    fn no_edges_reach_nowhere() {
        assert_eq!(Cells::between(Vec::new()).extent(), None);
        assert_eq!(Cells::between(vec![DateTime::UNIX_EPOCH]).extent(), None);
    }
}
