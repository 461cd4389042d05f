//! Partitions the group assigns to this member and that it has not started to read.

use crate::record::Partition;
use crate::source::Wanted;
use std::collections::{BTreeMap, BTreeSet};

/// What is assigned and unclaimed, and the name to claim it under.
pub struct Assignments {
    /// What the group assigns right now, as the source knows it.
    wanted: Wanted,
    /// Each with its assignment's number.
    unclaimed: BTreeMap<Partition, u64>,
    /// Those of the unclaimed that wait at the end of a layout.
    waiting: BTreeSet<Partition>,
    /// Names this member to people.
    pub owner: String,
    /// Whether some must be claimed before the next round.
    pub is_in_haste: bool,
}

impl Assignments {
    /// No assignments yet. `wanted` is shared with the source.
    #[must_use]
    pub fn new(wanted: Wanted, owner: String) -> Self {
        let (unclaimed, waiting) = (BTreeMap::new(), BTreeSet::new());
        Self { wanted, unclaimed, waiting, owner, is_in_haste: false }
    }

    /// Adds the partitions that the assignment of this number brought.
    pub fn add(&mut self, partitions: Vec<Partition>, assignment: u64) {
        self.unclaimed.extend(partitions.into_iter().map(|partition| (partition, assignment)));
    }

    /// Adds a partition that this member has held so far, to be claimed anew, unless the group has taken it away.
    pub fn again(&mut self, partition: Partition) {
        if let Some(assignment) = self.wanted.assignment_of(partition) {
            self.unclaimed.insert(partition, assignment);
        }
    }

    /// Whether the group still assigns the partition to this member.
    #[must_use]
    pub fn has(&self, partition: Partition) -> bool {
        self.wanted.assignment_of(partition).is_some()
    }

    /// Takes a partition out: it is started, stopped or revoked. Returns its assignment's number.
    pub fn take(&mut self, partition: Partition) -> Option<u64> {
        self.waiting.remove(&partition);
        self.unclaimed.remove(&partition)
    }

    /// The partitions to claim. Forgets those that the group has taken away meanwhile.
    pub fn still_wanted(&mut self) -> Vec<Partition> {
        let Self { wanted, unclaimed, waiting, .. } = self;
        unclaimed.retain(|partition, assignment| wanted.has(*partition, *assignment));
        waiting.retain(|partition| unclaimed.contains_key(partition));
        unclaimed.keys().filter(|partition| !waiting.contains(partition)).copied().collect()
    }

    /// Sets a partition aside until it is released: it waits at the end of a layout.
    pub fn wait(&mut self, partition: Partition) {
        self.waiting.insert(partition);
    }

    /// The partitions that are set aside.
    #[must_use]
    pub fn waiting(&self) -> Vec<Partition> {
        self.waiting.iter().copied().collect()
    }

    /// Lets a partition be claimed that was set aside.
    pub fn release(&mut self, partition: Partition) {
        self.waiting.remove(&partition);
    }
}
