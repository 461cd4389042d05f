//! What lies between a member's reader and its pipeline.

use crate::kafka::TimelineId;
use consumer::batch::{Batch, Claim};
use consumer::record::Partition;
use std::collections::{BTreeMap, VecDeque};

/// What lies between reader and pipeline.
pub(super) struct Between {
    /// What the group assigns, each by its assignment's number.
    pub wanted: BTreeMap<Partition, u64>,
    /// From reader to pipeline; it has room for one.
    pub channel: VecDeque<Message>,
    pub orders: VecDeque<Order>,
    /// The ledger's floor.
    pub floor: i64,
    /// Revocations that the pipeline is done with.
    pub done: u64,
    /// The log that is read under each claim.
    pub logs: BTreeMap<(Partition, i64), TimelineId>,
}

pub(super) enum Message {
    Assigned(Vec<Partition>, u64),
    Batch(Batch),
    Revoked(Vec<Partition>),
    /// Reading under this claim has reached the end of a layout.
    LayoutEnded(Partition, i64),
    /// A partition can't be read any further under this claim.
    Broken(Partition, i64),
}

pub(super) enum Order {
    Fetch(Claim, u64),
    Rejoin,
}
