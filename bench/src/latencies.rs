//! Quantiles of many durations. Pure.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// Quantiles of at least one duration, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latencies {
    /// The number of durations.
    pub count: usize,
    /// The median.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The 99.9th percentile.
    pub p999_ms: f64,
    /// The maximum.
    pub max_ms: f64,
}

impl Latencies {
    /// Of these durations; `None` if there are none.
    #[must_use]
    pub fn of(mut all: Vec<Duration>) -> Option<Self> {
        all.sort_unstable();
        let longest = all.last().copied()?;
        let at = |thousandths: usize| millis(quantile(&all, thousandths));
        Some(Self {
            count: all.len(),
            p50_ms: at(500),
            p99_ms: at(990),
            p999_ms: at(999),
            max_ms: millis(longest),
        })
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50_ms, p99_ms, p999_ms, max_ms, .. } = self;
        write!(f, "p50 {p50_ms:.2}, p99 {p99_ms:.2}, p99.9 {p999_ms:.2}, longest {max_ms:.2} ms")
    }
}

/// The smallest of the sorted durations that this many thousandths of them don't exceed (the nearest rank).
fn quantile(sorted: &[Duration], thousandths: usize) -> Duration {
    let rank = (sorted.len() * thousandths).div_ceil(1_000).max(1);
    sorted[rank - 1]
}

#[allow(clippy::cast_precision_loss)] // exact up to a hundred days
fn millis(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_durations_that_occurred() {
        let check = |count: u64, expected: [f64; 4]| {
            // In any order.
            let all = (1..=count).rev().map(Duration::from_millis).collect();
            let Latencies { p50_ms, p99_ms, p999_ms, max_ms, .. } = Latencies::of(all).unwrap();
            assert_eq!([p50_ms, p99_ms, p999_ms, max_ms], expected, "of {count}");
        };
        check(1, [1.0, 1.0, 1.0, 1.0]);
        check(2, [1.0, 2.0, 2.0, 2.0]);
        check(100, [50.0, 99.0, 100.0, 100.0]);
        check(1_000, [500.0, 990.0, 999.0, 1_000.0]);
        check(1_001, [501.0, 991.0, 1_000.0, 1_001.0]);
        assert_eq!(Latencies::of(Vec::new()), None);
    }
}
