//! A partition's tail: the fingerprints of small batches. The database keeps it as a row a batch, and files it into the
//! pages once it has grown long. Pure.
//!
//! Receipts for messages of days ago add a few fingerprints to each of hundreds of pages. If each of these were a segment,
//! a batch would write hundreds of rows of a few bytes, and a page would be made of very many.

use crate::ledger::fingerprint_set::FingerprintSet;
use crate::ledger::segment::{PageKey, Segment};
use crate::record::Partition;
use domain::{Counters, Quarter};
use std::collections::BTreeMap;

/// The fingerprints of a partition that the database does not keep in pages yet.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    pages: BTreeMap<Quarter, (FingerprintSet, Counters)>,
    rows: usize,
    len: usize,
}

impl Tail {
    /// The tail of a partition that has none.
    pub const EMPTY: Self = Self { pages: BTreeMap::new(), rows: 0, len: 0 };

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many fingerprints it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How much memory it takes, in bytes, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pages.values().map(|(set, _)| set.bytes() + size_of::<(Quarter, Counters)>()).sum()
    }

    /// Adds a batch's row.
    pub fn add(&mut self, row: &[Segment]) {
        self.rows += 1;
        for segment in row {
            let (set, sums) = self.pages.entry(segment.key.quarter).or_default();
            set.extend_sorted(&segment.fingerprints);
            *sums += &segment.sums;
            self.len += segment.fingerprints.len();
        }
    }

    /// Its fingerprints as segments of the partition's pages, in order.
    pub fn segments(&self, partition: Partition) -> impl Iterator<Item = Segment> {
        self.pages.iter().map(move |(quarter, (set, sums))| Segment {
            key: PageKey { partition, quarter: *quarter },
            fingerprints: set.iter().collect(),
            sums: *sums,
        })
    }

    /// The fingerprints of a quarter.
    #[must_use]
    pub fn page(&self, quarter: Quarter) -> Option<&FingerprintSet> {
        self.pages.get(&quarter).map(|(set, _)| set)
    }
}
