//! What people see of the pipeline: log, readiness, metrics.

use super::positions::Positions;
use super::refusal_log::RefusalLog;
use super::watch::condition;
use crate::decide::changes::PartitionChanges;
use crate::decide::narrowing::Rejected;
use crate::measure::Meters;
use crate::record::key::partition_of_hash;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Topic};
use crate::store::ClaimedProgress;
use admin::Readiness;
use chrono::{DateTime, Utc};
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
    refusals: RefusalLog,
    /// The pipeline's metrics.
    pub meters: Meters,
}

impl Status {
    /// Reports here. The watch and metrics look at `positions`.
    #[must_use]
    pub fn new(topics: TopicNames, readiness: Readiness, positions: Positions, meters: Meters) -> Self {
        let (misplaced_said_at, refusals) = (HashMap::new(), RefusalLog::default());
        Self { topics, readiness, positions, misplaced_said_at, refusals, meters }
    }

    /// Reports that a partition was claimed at this instant. Whether it can be counted is not known yet.
    pub fn claimed(&self, at: DateTime<Utc>, row: &ClaimedProgress) {
        self.positions.claimed(at, row);
    }

    /// Reports that a partition is held, and counted up to this offset.
    pub fn held(&self, partition: Partition, next: Offset) {
        self.well(partition);
        self.positions.reached(partition, next);
    }

    /// Reports that a held partition is counted up to this offset.
    pub fn reached(&self, partition: Partition, next: Offset) {
        self.positions.reached(partition, next);
    }

    /// Reports that the database says that a partition is complete through this instant.
    pub fn completed(&self, partition: Partition, through: DateTime<Utc>) {
        self.positions.completed(partition, through);
    }

    /// Reports that a partition is to be claimed anew.
    pub fn unclaimed(&self, partition: Partition) {
        self.well(partition);
        self.positions.unclaimed(partition);
    }

    /// Clears what was reported of a partition: it is no longer this member's.
    pub fn forget(&self, partition: Partition) {
        self.well(partition);
        self.positions.forget(partition);
    }

    /// Nothing of what this reports holds a partition up.
    fn well(&self, partition: Partition) {
        let name = condition(&self.topics, partition);
        [STOPPED, WAITS].iter().for_each(|cause| self.readiness.lift(&name, cause));
    }

    /// Reports that a partition is stopped; the others go on.
    pub fn stopped(&self, partition: Partition, why: &str) {
        self.well(partition);
        let name = condition(&self.topics, partition);
        let topic = self.topics.of(partition.topic);
        tracing::error!(
            topic,
            partition = partition.number,
            why,
            "stopped: nothing of it is counted until an operator decides where it continues"
        );
        self.readiness.blame_part(&name, STOPPED, format!("stopped: {why}"));
        self.positions.stopped(partition);
        self.meters.stopped();
    }

    /// Reports that a partition waits at the end of a layout until these partitions of its topic have passed theirs.
    pub fn waits_for_layout(&self, partition: Partition, behind: &[i32]) {
        let name = condition(&self.topics, partition);
        let topic = self.topics.of(partition.topic);
        tracing::info!(topic, partition = partition.number, ?behind, "waits at the end of a layout");
        let why = format!(
            "waits at the end of a layout until these partitions of the topic have reached theirs, too: {behind:?}"
        );
        self.readiness.blame_part(&name, WAITS, why);
    }

    /// Reports what of a partition is committed.
    pub fn committed(&mut self, changes: &PartitionChanges, spread: Option<NonZeroU32>) {
        self.meters.committed(changes);
        for (reason, (records, offset)) in changes.dead_letters.by_reason() {
            self.refusals.take(changes.partition, reason, records, offset);
        }
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

    /// Says in the log what was refused, if a line is due.
    pub fn say_refusals(&mut self) {
        if let Some(line) = self.refusals.due(Instant::now()) {
            line.say(&self.topics);
        }
    }

    /// Reports that PostgreSQL refuses a partition's changes, and how many records they are narrowed down to.
    pub fn rejected(&self, Rejected { partition, span, records, why }: &Rejected) {
        let (topic, partition, offset) = (self.topics.of(partition.topic), partition.number, span.from.0);
        if *records == 1 {
            tracing::warn!(topic, partition, offset, why, "PostgreSQL refuses a record");
        } else {
            tracing::debug!(
                topic,
                partition,
                offset,
                records,
                why,
                "PostgreSQL refuses records; looking for which"
            );
        }
    }
}
