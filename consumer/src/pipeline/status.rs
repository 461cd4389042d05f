//! What people see of the pipeline: log, readiness, metrics.

use super::positions::Positions;
use super::watch::condition;
use crate::decide::changes::PartitionChanges;
use crate::decide::held_partition::HeldPartition;
use crate::decide::narrowing::Rejected;
use crate::measure::Meters;
use crate::record::key::partition_of_hash;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Topic};
use admin::Readiness;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

/// The pause between two lines about misplaced records of a topic.
const MISPLACED_EVERY: Duration = Duration::from_secs(60);

/// A partition's cause for not being ready until an operator decides.
const STOPPED: &str = "stopped";
/// A partition's cause while it waits for others.
const WAITS: &str = "waits";

/// Reports on partitions by the topics' names.
pub struct Status {
    topics: TopicNames,
    readiness: Readiness,
    positions: Positions,
    misplaced_said_at: HashMap<Topic, Option<Instant>>,
    /// The pipeline's metrics.
    pub meters: Meters,
}

impl Status {
    /// Reports here. The watch looks at `positions`.
    #[must_use]
    pub fn new(topics: TopicNames, readiness: Readiness, positions: Positions, meters: Meters) -> Self {
        Self { topics, readiness, positions, misplaced_said_at: HashMap::new(), meters }
    }

    /// Reports that a held partition is counted up to this offset.
    pub fn reached(&self, partition: Partition, next: Offset) {
        self.positions.reached(partition, next);
    }

    /// Clears what was reported of a partition: it is well, or no longer this member's.
    pub fn clear(&self, partition: Partition) {
        self.readiness.lift(&condition(&self.topics, partition), STOPPED);
        self.positions.forget(partition);
        self.meters.stopped_now(self.positions.count_stopped());
    }

    /// Sets the lag of a revoked partition to 0.
    pub fn revoked(&self, partition: Partition) {
        self.meters.released(&self.topics, partition);
    }

    /// Reports that a partition is stopped; the others go on.
    pub fn stopped(&self, partition: Partition, why: &str) {
        let name = condition(&self.topics, partition);
        tracing::error!(
            partition = %name, why,
            "stopped: nothing of it is counted until an operator decides where it continues"
        );
        self.readiness.blame(&name, STOPPED, format!("stopped: {why}"));
        self.positions.stopped(partition);
        self.meters.stopped();
        self.meters.stopped_now(self.positions.count_stopped());
    }

    /// Reports that a partition waits at the end of a layout until these partitions of its topic have passed theirs.
    pub fn waits_for_layout(&self, partition: Partition, behind: &[i32]) {
        let name = condition(&self.topics, partition);
        tracing::info!(partition = %name, ?behind, "waits at the end of a layout");
        let why = format!(
            "waits at the end of a layout until these partitions of the topic have reached theirs, too: {behind:?}"
        );
        self.readiness.blame(&name, WAITS, why);
    }

    /// Reports what of a partition is committed.
    pub fn committed(&mut self, changes: &PartitionChanges, spread: Option<NonZeroU32>) {
        self.meters.committed(changes);
        let (topic, misplaced) = (self.topics.of(changes.partition.topic), changes.tally.misplaced);
        if misplaced == 0 {
            return;
        }
        self.meters.misplaced(topic, misplaced);
        let said_at = self.misplaced_said_at.entry(changes.partition.topic).or_insert(None);
        if said_at.is_none_or(|at| at.elapsed() >= MISPLACED_EVERY) {
            *said_at = Some(Instant::now());
            let hash = changes.tally.misplaced_hash;
            let belongs_in = spread.map(|spread| partition_of_hash(hash, spread));
            tracing::warn!(
                topic,
                partition = changes.partition.number,
                records = misplaced,
                key_hash = hash,
                belongs_in,
                "records lie in another partition than their key's: their producer has another partitioner than \
                 murmur2, and a copy from elsewhere would count twice; see docs/producing.md, Keys"
            );
        }
    }

    /// Reports that PostgreSQL refuses a partition's changes, and how many records they are narrowed down to.
    pub fn rejected(&self, Rejected { partition, span, records, why }: &Rejected) {
        let (partition, from) = (condition(&self.topics, *partition), span.from.0);
        if *records == 1 {
            tracing::warn!(%partition, from, why, "PostgreSQL refuses a record");
        } else {
            tracing::debug!(%partition, from, records, why, "PostgreSQL refuses records; looking for which");
        }
    }

    /// Reports how far a partition lags behind.
    pub fn lag(&self, partition: Partition, held: &HeldPartition) {
        self.meters.lag(&self.topics, partition, held);
    }
}
