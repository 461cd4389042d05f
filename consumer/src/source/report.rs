//! The report of committed offsets to Kafka. Advice for lag tools only: this system never reads it.

use super::context::Context;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often offsets are reported.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Offsets that are not reported yet.
pub struct OffsetReport {
    consumer: Arc<BaseConsumer<Context>>,
    topics: TopicNames,
    offsets: HashMap<Partition, Offset>,
    reported_at: Instant,
}

impl OffsetReport {
    /// Nothing to report.
    pub fn new(consumer: Arc<BaseConsumer<Context>>, topics: TopicNames) -> Self {
        Self { consumer, topics, offsets: HashMap::new(), reported_at: Instant::now() }
    }

    /// Adds offsets; of each partition the last one is reported.
    pub fn add(&mut self, offsets: Vec<(Partition, Offset)>) {
        self.offsets.extend(offsets);
    }

    /// Reports without waiting for Kafka, unless that was done a moment ago.
    pub fn send_when_due(&mut self) {
        if !self.offsets.is_empty() && self.reported_at.elapsed() >= REPORT_EVERY {
            self.send(CommitMode::Async);
        }
    }

    /// Reports now.
    pub fn send(&mut self, mode: CommitMode) {
        self.reported_at = Instant::now();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in self.offsets.drain() {
            let topic = self.topics.of(partition.topic);
            // Refused for negative offsets only, and these come from Kafka.
            let _ = list.add_partition_offset(topic, partition.number, KafkaOffset::Offset(offset.0));
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, mode)
        {
            tracing::debug!(%error, "offsets were not reported to Kafka");
        }
    }
}
