//! What people see of the pipeline: log, readiness, metrics.

use crate::decide::held_partition::HeldPartition;
use crate::measure::Meters;
use crate::record::Partition;
use crate::record::topic_names::TopicNames;
use admin::Readiness;

/// Reports on partitions by the topics' names.
pub struct Status {
    topics: TopicNames,
    readiness: Readiness,
    /// The pipeline's metrics.
    pub meters: Meters,
}

impl Status {
    /// Reports here.
    #[must_use]
    pub fn new(topics: TopicNames, readiness: Readiness, meters: Meters) -> Self {
        Self { topics, readiness, meters }
    }

    /// Clears what was reported of a partition: it is well, or no longer this member's.
    pub fn clear(&self, partition: Partition) {
        self.readiness.forget(&self.condition(partition));
    }

    /// Sets the lag of a revoked partition to 0.
    pub fn revoked(&self, partition: Partition) {
        self.meters.released(&self.topics, partition);
    }

    /// Reports that a partition is stopped; the others go on.
    pub fn stopped(&self, partition: Partition, why: &str) {
        let name = self.condition(partition);
        tracing::error!(
            partition = %name, why,
            "stopped: nothing of it is counted until an operator decides where it continues"
        );
        self.readiness.bad(&name, format!("stopped: {why}"));
        self.meters.stopped();
    }

    /// Reports how far a partition lags behind.
    pub fn lag(&self, partition: Partition, held: &HeldPartition) {
        self.meters.lag(&self.topics, partition, held);
    }

    fn condition(&self, partition: Partition) -> String {
        format!("partition {}/{}", self.topics.of(partition.topic), partition.number)
    }
}
