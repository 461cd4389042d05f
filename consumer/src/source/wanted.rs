//! The partitions that the group assigns to this member right now, each with its assignment's number.

use crate::record::Partition;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by source and pipeline, so that a partition is not claimed after it was taken away: such a claim would fence off
/// its new owner. Not on a record's path.
#[derive(Clone, Default)]
pub struct Wanted {
    assignments: Arc<Mutex<HashMap<Partition, u64>>>,
}

impl Wanted {
    /// Adds the partitions that the assignment of this number brought.
    pub fn add(&self, partitions: &[Partition], assignment: u64) {
        self.locked().extend(partitions.iter().map(|partition| (*partition, assignment)));
    }

    /// Removes partitions that are taken away.
    pub fn remove(&self, partitions: &[Partition]) {
        let mut assignments = self.locked();
        assignments.retain(|partition, _| !partitions.contains(partition));
    }

    /// Whether the assignment of this number, which brought the partition, is still in force.
    #[must_use]
    pub fn has(&self, partition: Partition, assignment: u64) -> bool {
        self.locked().get(&partition) == Some(&assignment)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Partition, u64>> {
        self.assignments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
