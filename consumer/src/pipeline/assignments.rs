//! Partitions the group assigns to this member and that it has not started to read.

use crate::record::Partition;
use crate::source::Wanted;
use std::collections::BTreeMap;

/// What is assigned and unclaimed, and the name to claim it under.
pub struct Assignments {
    /// What the group assigns right now, as the source knows it.
    wanted: Wanted,
    /// Each with its assignment's number.
    unclaimed: BTreeMap<Partition, u64>,
    /// Names this member to people.
    pub owner: String,
}

impl Assignments {
    /// No assignments yet. `wanted` is shared with the source.
    #[must_use]
    pub fn new(wanted: Wanted, owner: String) -> Self {
        Self { wanted, unclaimed: BTreeMap::new(), owner }
    }

    /// Adds the partitions that the assignment of this number brought.
    pub fn add(&mut self, partitions: Vec<Partition>, assignment: u64) {
        self.unclaimed.extend(partitions.into_iter().map(|partition| (partition, assignment)));
    }

    /// Takes a partition out: it is started, stopped or revoked. Returns its assignment's number.
    pub fn take(&mut self, partition: Partition) -> Option<u64> {
        self.unclaimed.remove(&partition)
    }

    /// The partitions to claim. Forgets those that the group has taken away meanwhile.
    pub fn still_wanted(&mut self) -> Vec<Partition> {
        let wanted = &self.wanted;
        self.unclaimed.retain(|partition, assignment| wanted.has(*partition, *assignment));
        self.unclaimed.keys().copied().collect()
    }
}
