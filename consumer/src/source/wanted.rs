//! Which partitions the group assigns to this member right now, each by the assignment that brought it.

use crate::record::Partition;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by source and pipeline, so that no partition is claimed that was taken away while its claim waited: such a
/// claim would fence its new owner off. Not on a record's path.
#[derive(Clone, Default)]
pub struct Wanted {
    assignments: Arc<Mutex<HashMap<Partition, u64>>>,
}

impl Wanted {
    /// The assignment of this number brought these partitions.
    pub fn add(&self, partitions: &[Partition], assignment: u64) {
        self.locked().extend(partitions.iter().map(|partition| (*partition, assignment)));
    }

    /// These are taken away.
    pub fn remove(&self, partitions: &[Partition]) {
        let mut assignments = self.locked();
        assignments.retain(|partition, _| !partitions.contains(partition));
    }

    /// Whether the partition is this member's, by the assignment of this number.
    #[must_use]
    pub fn has(&self, partition: Partition, assignment: u64) -> bool {
        self.locked().get(&partition) == Some(&assignment)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Partition, u64>> {
        self.assignments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
