//! Where the partitions of this member stand, for the watch, which must know it though the pipeline waits.

use crate::decide::stalls::Position;
use crate::record::{Offset, Partition};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by pipeline and watch. A partition that is not in it is not held.
#[derive(Clone, Default)]
pub struct Positions {
    partitions: Arc<Mutex<BTreeMap<Partition, Position>>>,
}

impl Positions {
    /// A held partition is counted up to this offset.
    pub fn reached(&self, partition: Partition, next: Offset) {
        self.locked().insert(partition, Position::At(next));
    }

    /// A partition is stopped until an operator decides.
    pub fn stopped(&self, partition: Partition) {
        self.locked().insert(partition, Position::Stopped);
    }

    /// A partition is no longer held.
    pub fn forget(&self, partition: Partition) {
        self.locked().remove(&partition);
    }

    /// How many partitions are stopped.
    #[must_use]
    pub fn count_stopped(&self) -> usize {
        self.locked().values().filter(|position| **position == Position::Stopped).count()
    }

    /// All that are held or stopped, and those of `wanted` that are neither.
    #[must_use]
    pub fn with(&self, wanted: Vec<Partition>) -> BTreeMap<Partition, Position> {
        let mut all: BTreeMap<_, _> =
            wanted.into_iter().map(|partition| (partition, Position::Unclaimed)).collect();
        all.extend(self.locked().iter().map(|(partition, position)| (*partition, *position)));
        all
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<Partition, Position>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
