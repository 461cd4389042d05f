//! Fingerprints for tests: spread as evenly as real ones.

use crate::record::identity::{Fingerprints, Kind};
use std::collections::BTreeSet;

/// The fingerprint of the n-th of many identities.
pub fn spread(n: u64) -> u64 {
    Fingerprints::keyed(&[1; 16]).of(Kind::Order, "acme", &n.to_string())
}

/// Fingerprints, ascending and each once.
pub fn ascending(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
    numbers.map(spread).collect::<BTreeSet<_>>().into_iter().collect()
}
