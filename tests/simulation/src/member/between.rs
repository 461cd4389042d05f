//! What lies between a member's reader and its pipeline.

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
}

pub(super) enum Message {
    Assigned(Vec<Partition>, u64),
    Batch(Batch),
    Revoked(Vec<Partition>),
}

pub(super) enum Order {
    Fetch(Claim, u64),
    Rejoin,
}
