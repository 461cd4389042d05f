//! Offsets of partitions: of records handed to Kafka, or counted.

use std::collections::BTreeMap;
use std::fmt;

/// The offset of the next record, by topic and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets(BTreeMap<(String, i32), i64>);

/// A partition that stands before the offset that another has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Its topic.
    pub topic: String,
    partition: i32,
    reached: i64,
    of: i64,
}

impl Offsets {
    /// Sets a partition's offset.
    pub fn set(&mut self, topic: &str, partition: i32, next: i64) {
        self.0.insert((topic.to_owned(), partition), next);
    }

    /// A partition's offset, if it is known.
    #[must_use]
    pub fn of(&self, topic: &str, partition: i32) -> Option<i64> {
        self.0.get(&(topic.to_owned(), partition)).copied()
    }

    /// Adds records of a partition.
    pub fn add(&mut self, topic: &str, partition: i32, records: i64) {
        *self.0.entry((topic.to_owned(), partition)).or_default() += records;
    }

    /// The number of all offsets before these.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.0.values().sum()
    }

    /// Topics and partitions.
    pub fn places(&self) -> impl Iterator<Item = (String, i32)> + use<> {
        self.0.keys().cloned().collect::<Vec<_>>().into_iter()
    }

    /// The partitions in which `other` is behind this. A partition that it doesn't have is at 0.
    #[must_use]
    pub fn ahead_of(&self, other: &Self) -> Vec<Behind> {
        let behind = self.0.iter().filter_map(|((topic, partition), of)| {
            let reached = other.of(topic, *partition).unwrap_or(0);
            let behind = || Behind { topic: topic.clone(), partition: *partition, reached, of: *of };
            (reached < *of).then(behind)
        });
        behind.collect()
    }
}

impl Behind {
    /// By how many offsets.
    #[must_use]
    pub fn offsets(&self) -> i64 {
        self.of - self.reached
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, partition, reached, of } = self;
        write!(f, "{topic} partition {partition} stands at {reached} of {of}")
    }
}

impl FromIterator<(String, i32, i64)> for Offsets {
    fn from_iter<T: IntoIterator<Item = (String, i32, i64)>>(places: T) -> Self {
        Self(places.into_iter().map(|(topic, partition, next)| ((topic, partition), next)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_is_named() {
        let mut handed = Offsets::default();
        handed.add("a", 0, 1);
        handed.add("a", 0, 1);
        handed.add("b", 3, 1);
        assert_eq!(handed.sum(), 3);
        let mut counted = Offsets::default();
        let behind = |counted: &Offsets| {
            handed.ahead_of(counted).iter().map(|behind| behind.to_string()).collect::<Vec<_>>().join("; ")
        };
        counted.set("a", 0, 1);
        assert_eq!(behind(&counted), "a partition 0 stands at 1 of 2; b partition 3 stands at 0 of 1");
        counted.set("a", 0, 2);
        assert_eq!(behind(&counted), "b partition 3 stands at 0 of 1");
        counted.set("b", 3, 7);
        assert_eq!(behind(&counted), "");
    }
}
