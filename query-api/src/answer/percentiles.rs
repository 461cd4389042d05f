//! The percentiles of execution times that answers show. Pure.

use crate::answer::decimal::Tenths;
use domain::Durations;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A percentile.
struct Percentile {
    /// Its name in series, beside those of the counters.
    key: &'static str,
    /// Its name in objects.
    name: &'static str,
    /// How many runs in a thousand take at most as long.
    permille: u16,
}

/// All of them. Each is within 5 % of the exact one: see `domain::Durations`.
const PERCENTILES: [Percentile; 3] = [
    Percentile { key: "p50_execution_time_ms", name: "p50ExecutionTimeMs", permille: 500 },
    Percentile { key: "p95_execution_time_ms", name: "p95ExecutionTimeMs", permille: 950 },
    Percentile { key: "p99_execution_time_ms", name: "p99ExecutionTimeMs", permille: 990 },
];

/// The percentiles of some runs, in milliseconds; null if there are no runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Percentiles([Option<Tenths>; PERCENTILES.len()]);

impl Percentiles {
    /// The percentiles of these durations.
    #[must_use]
    pub fn of(durations: &Durations) -> Self {
        Self(PERCENTILES.map(|percentile| durations.quantile(percentile.permille).map(Tenths::of)))
    }

    /// The 95th percentile.
    #[must_use]
    pub const fn p95(&self) -> Option<Tenths> {
        self.0[1]
    }

    /// The percentiles by their names in series.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, Option<Tenths>)> + use<> {
        PERCENTILES.iter().map(|percentile| percentile.key).zip(self.0)
    }
}

/// As members of an object, to be flattened into it: `{"p50ExecutionTimeMs", ...}`.
impl Serialize for Percentiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (percentile, value) in PERCENTILES.iter().zip(self.0) {
            map.serialize_entry(percentile.name, &value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_named_as_agreed() {
        let mut durations = Durations::default();
        (0..100).for_each(|ms| durations.take(ms / 10));
        let percentiles = Percentiles::of(&durations);
        let json = serde_json::to_string(&percentiles).unwrap();
        assert_eq!(json, r#"{"p50ExecutionTimeMs":4,"p95ExecutionTimeMs":9,"p99ExecutionTimeMs":9}"#);
        let keys: Vec<_> = percentiles.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["p50_execution_time_ms", "p95_execution_time_ms", "p99_execution_time_ms"]);
        assert_eq!(percentiles.p95().unwrap(), Tenths::whole(9));
        assert_eq!(Percentiles::of(&Durations::default()), Percentiles::default());
    }
}
