//! A page's name, and the segments that batches add to it. Pure.

use crate::record::Partition;
use domain::{Counters, Quarter};

/// A page's name: an identity can have been counted in this page only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey {
    /// The partition its records come from.
    pub partition: Partition,
    /// The quarter of an hour their identities lie in.
    pub quarter: Quarter,
}

/// Fingerprints that a page is given by a batch: ascending, none of them in the page before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The page.
    pub key: PageKey,
    /// The fingerprints.
    pub fingerprints: Vec<u64>,
    /// What their identities add to the counters: the second set of books.
    pub sums: Counters,
}
