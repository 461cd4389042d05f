//! The ledger's stored form: every `bytea` is either read as fingerprints or refused.

use crate::verdict::Verdict;
use consumer::ledger::filter::Filter;
use consumer::ledger::fingerprint_set::{FingerprintSet, from_stored, stored};

/// Reads `bytes` as a segment of a page.
///
/// # Panics
/// When a fingerprint is lost, invented, or stored as another.
pub fn check(bytes: &[u8]) -> Verdict {
    if let Some(filter) = Filter::from_stored(bytes) {
        assert_eq!(filter.stored(), bytes, "a filter that is read is what is stored");
        let _ = filter.may_contain(bytes.len() as u64);
    }
    let Some(read) = from_stored(bytes) else {
        assert_ne!(bytes.len() % 8, 0, "whole fingerprints are refused");
        return Verdict::Refused;
    };
    let read: Vec<u64> = read.collect();
    assert_eq!(stored(&read), bytes, "what is read is what is stored");
    let mut sorted = read;
    sorted.sort_unstable();
    let set = FingerprintSet::from_sorted(&sorted);
    let filter = Filter::of(&sorted);
    assert!(sorted.iter().all(|fingerprint| filter.may_contain(*fingerprint)), "its filter denies none");
    // 0 is never a fingerprint: it marks an empty slot.
    sorted.retain(|fingerprint| *fingerprint != 0);
    sorted.dedup();
    assert!(set.iter().eq(sorted.iter().copied()), "the set has what was stored, once");
    assert_eq!(set.len(), sorted.len());
    assert!(sorted.iter().all(|fingerprint| set.contains(*fingerprint)), "and finds it");
    let absent = sorted.iter().map(|fingerprint| fingerprint ^ 1);
    let absent = absent.filter(|absent| *absent != 0 && sorted.binary_search(absent).is_err());
    assert!(!absent.into_iter().any(|absent| set.contains(absent)), "and nothing else");
    grown(&sorted);
    Verdict::Accepted
}

/// A set of one half, extended by the other half, equals the set of all.
fn grown(sorted: &[u64]) {
    let half = |odd: usize| -> Vec<u64> { sorted.iter().copied().skip(odd).step_by(2).collect() };
    let mut set = FingerprintSet::from_sorted(&half(0));
    set.extend_sorted(&half(1));
    assert!(set.iter().eq(sorted.iter().copied()), "a set that grew has all");
}
