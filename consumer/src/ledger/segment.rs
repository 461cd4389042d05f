//! A page's name, and the segments that batches add to it. Pure.

use crate::record::Partition;
use domain::{Counters, Quarter};

/// A page's name. All copies of an identity are in the same page, because they have the same partition and quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey {
    /// The partition its records come from.
    pub partition: Partition,
    /// The quarter of an hour of their identities' times.
    pub quarter: Quarter,
}

/// Fingerprints that a batch adds to a page. They are ascending, and none of them was in the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The page.
    pub key: PageKey,
    /// The fingerprints.
    pub fingerprints: Vec<u64>,
    /// What their identities add to the counters. An audit compares these sums with the counters.
    pub sums: Counters,
}
