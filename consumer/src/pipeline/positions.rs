//! Where the partitions of this member stand, for the watch and for metrics, which must know it though the pipeline waits.

use crate::decide::backlog::Backlog;
use crate::decide::stalls::Position;
use crate::record::{Offset, Partition};
use crate::source::{End, Wanted};
use crate::store::ClaimedProgress;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by pipeline, watch and metrics. A partition is in it from its claim until the pipeline knows that it is another
/// member's. It may be so before, while the pipeline waits for PostgreSQL.
#[derive(Clone, Default)]
pub struct Positions {
    /// What the group assigns.
    wanted: Wanted,
    partitions: Arc<Mutex<BTreeMap<Partition, Backlog>>>,
}

impl Positions {
    /// What the group assigns, to be shared with the source, which says so.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        self.wanted.clone()
    }

    /// A partition was claimed at this instant.
    pub fn claimed(&self, at: DateTime<Utc>, row: &ClaimedProgress) {
        self.of(row.partition, |backlog| backlog.claimed(at, row.next_offset, row.complete_through));
    }

    /// A held partition is counted up to this offset.
    pub fn reached(&self, partition: Partition, next: Offset) {
        self.of(partition, |backlog| backlog.reached(next));
    }

    /// A partition is stopped until an operator decides.
    pub fn stopped(&self, partition: Partition) {
        self.of(partition, Backlog::stopped);
    }

    /// A partition is to be claimed anew.
    pub fn unclaimed(&self, partition: Partition) {
        self.of(partition, Backlog::unclaimed);
    }

    /// A partition is complete through this instant, unless it was given up meanwhile.
    pub fn completed(&self, partition: Partition, through: DateTime<Utc>) {
        if let Some(backlog) = self.locked().get_mut(&partition) {
            backlog.completed(through);
        }
    }

    /// Kafka has said how far partitions reach. Those that are not claimed yet are left out.
    pub fn ended(&self, ends: &[End]) {
        let mut partitions = self.locked();
        for End { partition, asked_at, end, readable } in ends {
            if let Some(backlog) = partitions.get_mut(partition) {
                backlog.ended(*asked_at, *end, *readable);
            }
        }
    }

    /// A partition is another member's.
    pub fn forget(&self, partition: Partition) {
        self.locked().remove(&partition);
    }

    /// Where all partitions stand that the group assigns to this member.
    #[must_use]
    pub fn all(&self) -> BTreeMap<Partition, Position> {
        let (wanted, partitions) = (self.wanted.all(), self.locked());
        let position = |partition: &Partition| partitions.get(partition).map(Backlog::position);
        wanted.into_iter().map(|partition| (partition, position(&partition).unwrap_or_default())).collect()
    }

    /// What is known of those that are claimed or stopped.
    #[must_use]
    pub fn backlogs(&self) -> BTreeMap<Partition, Backlog> {
        let (wanted, partitions) = (self.wanted.all(), self.locked());
        wanted.iter().filter_map(|partition| Some((*partition, partitions.get(partition)?.clone()))).collect()
    }

    fn of(&self, partition: Partition, change: impl FnOnce(&mut Backlog)) {
        change(self.locked().entry(partition).or_default());
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<Partition, Backlog>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
