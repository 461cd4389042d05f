//! A partition's tail: what small batches added to its pages, kept in the database as a row a batch until it is much,
//! and filed into the pages then. Pure.
//!
//! Receipts for messages of days ago touch hundreds of pages with a few fingerprints each. A segment for each would be
//! a row of a few bytes, and the page many of them; so they go to a row of the batch's own instead.

use crate::ledger::fingerprint_set::FingerprintSet;
use crate::ledger::segment::PageKey;
use crate::ledger::segment::Segment;
use crate::record::Partition;
use domain::{Counters, Quarter};
use std::collections::BTreeMap;

/// The fingerprints of a partition that are not in the database's pages yet.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    pages: BTreeMap<Quarter, (FingerprintSet, Counters)>,
    runs: usize,
    len: usize,
}

impl Tail {
    /// The tail of a partition that has none.
    pub const EMPTY: Self = Self { pages: BTreeMap::new(), runs: 0, len: 0 };

    /// Batches in it.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Fingerprints in it.
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

    /// Takes a batch's row in.
    pub fn add(&mut self, run: &[Segment]) {
        self.runs += 1;
        for segment in run {
            let (set, sums) = self.pages.entry(segment.key.quarter).or_default();
            set.extend_sorted(&segment.fingerprints);
            *sums += &segment.sums;
            self.len += segment.fingerprints.len();
        }
    }

    /// All of it as segments of the partition's pages, in order.
    pub fn segments(&self, partition: Partition) -> impl Iterator<Item = Segment> {
        self.pages.iter().map(move |(quarter, (set, sums))| Segment {
            key: PageKey { partition, quarter: *quarter },
            fingerprints: set.iter().collect(),
            sums: *sums,
        })
    }

    /// Its fingerprints of a quarter.
    #[must_use]
    pub fn page(&self, quarter: Quarter) -> Option<&FingerprintSet> {
        self.pages.get(&quarter).map(|(set, _)| set)
    }
}
