//! How the transaction of a partition's changes ended. Pure.

use crate::decide::changes::PartitionChanges;
use crate::record::Offset;

/// Where a partition stands in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredProgress {
    /// The latest claim's number.
    pub epoch: i64,
    /// The offset of the next record to count; `None` if the partition was never read.
    pub next_offset: Option<Offset>,
}

/// What a transaction did to a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Its changes are in the database.
    Committed,
    /// Nothing: it can be tried again.
    NotCommitted,
    /// Nothing, and it never will: another claim was made meanwhile.
    Lost,
}

impl CommitOutcome {
    /// The outcome of a transaction whose COMMIT was not answered, given where the partition stands after every
    /// transaction on it has ended.
    #[must_use]
    pub fn of(changes: &PartitionChanges, stored: Option<&StoredProgress>) -> Self {
        let stands_at =
            |offset| stored == Some(&StoredProgress { epoch: changes.epoch, next_offset: Some(offset) });
        if stands_at(changes.span.from) {
            Self::NotCommitted
        } else if stands_at(changes.span.until) {
            Self::Committed
        } else {
            Self::Lost
        }
    }
}
