//! What the source and the pipeline tell each other.

use super::breaks::Break;
use crate::batch::{Batch, Claim};
use crate::decide::narrowing::Caution;
use crate::record::{Offset, Partition};
use crate::trace::BatchTrace;
use std::sync::mpsc::SyncSender;
use tokio::sync::OwnedSemaphorePermit;

/// What the source tells the pipeline, in order.
pub enum Message {
    /// Partitions are assigned: claim them, and order them to be fetched.
    Assigned {
        /// Which.
        partitions: Vec<Partition>,
        /// The assignment's number.
        assignment: u64,
    },
    /// Records, folded, and their trace.
    Batch(Box<Batch>, BatchTrace),
    /// Partitions are taken away: finish what came before, then forget them.
    Revoked {
        /// Which.
        partitions: Vec<Partition>,
        /// Told when that is done.
        done: SyncSender<()>,
    },
    /// A partition has reached the end of the layout that it was claimed under, and isn't fetched any more: claim it again.
    LayoutEnded {
        /// Which.
        partition: Partition,
        /// The claim that it was read under. Meanwhile there may be a later one.
        epoch: i64,
    },
    /// A partition can't be read any further.
    Broken {
        /// Which.
        partition: Partition,
        /// The claim that it was read under.
        epoch: i64,
        /// The reason.
        why: Break,
    },
}

/// A message handed to the pipeline.
pub struct Handed {
    /// The message.
    pub message: Message,
    /// The source hands the next message over when this is dropped.
    pub permit: OwnedSemaphorePermit,
}

/// What the pipeline, or the process, tells the source.
pub enum Order {
    /// A partition is claimed: fetch it from the claim's position, unless the assignment that brought it is over. What was
    /// folded under an earlier claim of it is dropped.
    Fetch {
        /// The claim.
        claim: Claim,
        /// The assignment's number.
        assignment: u64,
        /// How it is read, if not as usual.
        caution: Option<Caution>,
    },
    /// Offsets committed in PostgreSQL, to report to Kafka.
    Report(Vec<(Partition, Offset)>),
    /// A claim was lost on a partition that is still assigned: leave the group and come back.
    Rejoin,
    /// Hand over what is folded, leave the group, end.
    Stop,
}
