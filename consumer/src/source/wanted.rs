//! The partitions that the group assigns to this member right now, each with its assignment's number, and whether this
//! member is in the group.

use crate::record::Partition;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Shared by source and pipeline, so that a partition is not claimed after it was taken away: such a claim would fence off
/// its new owner. Not on a record's path.
#[derive(Clone, Default)]
pub struct Wanted {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    assignments: HashMap<Partition, u64>,
    standing: Standing,
    /// Whether Kafka's latest word about the group was that this client may not be in it.
    is_forbidden: bool,
}

/// Whether this member is in the group, as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The group's latest word was an assignment, of partitions or of none.
    Member,
    /// It is not in the group, or the group takes partitions away and has not assigned others yet.
    Outside {
        /// Since when.
        since: Instant,
        /// Whether it was in the group before.
        was_member: bool,
    },
}

impl Default for Standing {
    fn default() -> Self {
        Self::Outside { since: Instant::now(), was_member: false }
    }
}

impl Wanted {
    /// Adds the partitions that the assignment of this number brought.
    pub fn add(&self, partitions: &[Partition], assignment: u64) {
        let mut state = self.locked();
        state.assignments.extend(partitions.iter().map(|partition| (*partition, assignment)));
        state.standing = Standing::Member;
        state.is_forbidden = false;
    }

    /// Removes partitions that are taken away.
    pub fn remove(&self, partitions: &[Partition]) {
        let mut state = self.locked();
        state.assignments.retain(|partition, _| !partitions.contains(partition));
        state.leave();
    }

    /// Notes whether Kafka lets this client be in the group.
    pub fn forbidden(&self, is_forbidden: bool) {
        self.locked().is_forbidden = is_forbidden;
    }

    /// Whether Kafka doesn't let this client be in the group.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.locked().is_forbidden
    }

    /// Notes that this member leaves the group.
    pub fn leave(&self) {
        self.locked().leave();
    }

    /// Whether the assignment of this number, which brought the partition, is still in force.
    #[must_use]
    pub fn has(&self, partition: Partition, assignment: u64) -> bool {
        self.assignment_of(partition) == Some(assignment)
    }

    /// The number of the assignment by which the partition is this member's; `None` if it isn't.
    #[must_use]
    pub fn assignment_of(&self, partition: Partition) -> Option<u64> {
        self.locked().assignments.get(&partition).copied()
    }

    /// The partitions that are assigned.
    #[must_use]
    pub fn all(&self) -> Vec<Partition> {
        self.locked().assignments.keys().copied().collect()
    }

    /// Whether this member is in the group.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.locked().standing
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn leave(&mut self) {
        if self.standing == Standing::Member {
            self.standing = Standing::Outside { since: Instant::now(), was_member: true };
        }
    }
}
