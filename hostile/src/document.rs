//! Documents that set thresholds: any bytes are thresholds that make sense, or are refused.

use crate::verdict::Verdict;
use chrono::DateTime;
use query_api::answer::registry::{Bad, KPIS};
use query_api::answer::thresholds::Thresholds;
use query_api::answer::thresholds::document::Document;

/// A complaint is for people: it repeats little of what was sent.
const SAID_BYTES_MAX: usize = 2_048;

/// Reads `bytes` as a document.
///
/// # Panics
/// When thresholds are accepted that are out of order or out of range, or that can't be stored as they are.
pub fn check(bytes: &[u8]) -> Verdict {
    let document = match Document::read(bytes) {
        Ok(document) => document,
        Err(bad) => {
            assert!(!bad.detail.is_empty() && bad.detail.len() + bad.pointer.len() < SAID_BYTES_MAX);
            return Verdict::Refused;
        }
    };
    let thresholds = Thresholds::default().replaced(document.all(), DateTime::UNIX_EPOCH, None);
    assert_eq!(Thresholds::from_stored(&thresholds.to_stored()), thresholds, "stored as they are");
    for rule in KPIS.iter().flat_map(|kpi| kpi.rules) {
        let limits = thresholds.own(rule.key).or(rule.defaults());
        let [warning, critical] = [limits.warning.count(), limits.critical.count()];
        assert!((0..=1_000).contains(&warning) && (0..=1_000).contains(&critical), "{limits:?}");
        assert!(limits.least_sample >= 1, "{limits:?}");
        let in_order = match rule.bad {
            Bad::Below => critical <= warning,
            Bad::Above => warning <= critical,
        };
        assert!(in_order, "{}: {limits:?}", rule.key);
    }
    Verdict::Accepted
}
