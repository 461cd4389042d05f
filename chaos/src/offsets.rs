//! Offsets of partitions: of records handed to Kafka, or counted.

use std::collections::BTreeMap;

/// The offset of the next record, by topic and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets(BTreeMap<(String, i32), i64>);

impl Offsets {
    /// Sets a partition's offset.
    pub fn set(&mut self, topic: &str, partition: i32, next: i64) {
        self.0.insert((topic.to_owned(), partition), next);
    }

    /// Adds a record of a partition. Returns its offset, if the partition has no other records.
    pub fn add(&mut self, topic: &str, partition: i32) -> i64 {
        let next = self.0.entry((topic.to_owned(), partition)).or_default();
        *next += 1;
        *next - 1
    }

    /// The number of all records before these offsets.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.0.values().sum()
    }

    /// The first partition in which `other` is behind this, in words. A partition that it doesn't have is at 0.
    #[must_use]
    pub fn ahead_of(&self, other: &Self) -> Option<String> {
        self.0.iter().find_map(|(place, next)| {
            let reached = other.0.get(place).copied().unwrap_or(0);
            let (topic, partition) = place;
            (reached < *next).then(|| format!("{topic} partition {partition} stands at {reached} of {next}"))
        })
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
        assert_eq!((handed.add("a", 0), handed.add("a", 0), handed.add("b", 3)), (0, 1, 0));
        assert_eq!(handed.sum(), 3);
        let mut counted = Offsets::default();
        counted.set("a", 0, 1);
        assert_eq!(handed.ahead_of(&counted).as_deref(), Some("a partition 0 stands at 1 of 2"));
        counted.set("a", 0, 2);
        assert_eq!(handed.ahead_of(&counted).as_deref(), Some("b partition 3 stands at 0 of 1"));
        counted.set("b", 3, 7);
        assert_eq!(handed.ahead_of(&counted), None);
    }
}
