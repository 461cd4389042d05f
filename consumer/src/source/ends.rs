//! Questions to Kafka beside the stream: which partitions there are, and how far they reach. They block the thread.

use super::context::Context;
use super::queue;
use super::settings::StartOffset;
use crate::record::topic_names::TopicNames;
use crate::record::{Offset, Partition, Topic};
use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long one question waits for its answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(2);

/// How far a partition reached at an instant.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// Which partition.
    pub partition: Partition,
    /// When Kafka was asked, by this machine's clock: before the answer, so the instant is never too late.
    pub asked_at: DateTime<Utc>,
    /// The offset after the newest record that the brokers have acknowledged (the high watermark).
    pub end: Offset,
    /// The offset up to which it can be read: it lies before `end` while a transaction is open (the last stable offset).
    /// `None` where Kafka doesn't say.
    pub readable: Option<Offset>,
}

/// Asks Kafka questions, each with a limit.
#[derive(Clone)]
pub struct Ends {
    consumer: Arc<BaseConsumer<Context>>,
    /// Asked for what the brokers have acknowledged. The group's own client is told only what can be read.
    uncommitted: Arc<BaseConsumer<Context>>,
    topics: TopicNames,
}

impl Ends {
    pub(super) fn new(
        consumer: Arc<BaseConsumer<Context>>,
        uncommitted: BaseConsumer<Context>,
        topics: TopicNames,
    ) -> Self {
        Self { consumer, uncommitted: Arc::new(uncommitted), topics }
    }

    /// How far these partitions reach; those without a leader are left out.
    ///
    /// # Errors
    /// When Kafka answers for none.
    pub fn ask(&self, partitions: &[Partition]) -> Result<Vec<End>, KafkaError> {
        let asked_at = Utc::now();
        let ends = self.offsets_by(&self.uncommitted, partitions, KafkaOffset::End)?;
        // Asked second, so a transaction that ends in between is not taken for an open one.
        let readable = self.offsets_by(&self.consumer, partitions, KafkaOffset::End).unwrap_or_default();
        let readable: HashMap<Partition, Offset> = readable.into_iter().collect();
        // Nobody else takes this client's events, and they must not pile up.
        while self.uncommitted.poll(Duration::ZERO).is_some() {}
        let end =
            |(partition, end)| End { partition, asked_at, end, readable: readable.get(&partition).copied() };
        Ok(ends.into_iter().map(end).collect())
    }

    /// The oldest offset of partitions, or the one up to which they can be read. Those without a leader are left out.
    ///
    /// # Errors
    /// When Kafka answers for none.
    pub fn offsets(
        &self,
        partitions: &[Partition],
        which: StartOffset,
    ) -> Result<Vec<(Partition, Offset)>, KafkaError> {
        let which = match which {
            StartOffset::Earliest => KafkaOffset::Beginning,
            StartOffset::Latest => KafkaOffset::End,
        };
        self.offsets_by(&self.consumer, partitions, which)
    }

    fn offsets_by(
        &self,
        client: &BaseConsumer<Context>,
        partitions: &[Partition],
        which: KafkaOffset,
    ) -> Result<Vec<(Partition, Offset)>, KafkaError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        // One request to each broker that leads some. It fails as a whole if one partition has no leader.
        let all = self.offsets_at_once(client, partitions, which);
        let Err(error) = all else { return all };
        let one = |partition: &Partition| self.offsets_at_once(client, &[*partition], which).ok();
        let alone = partitions.iter().filter_map(one);
        let answered: Vec<_> = alone.flatten().collect();
        if answered.is_empty() { Err(error) } else { Ok(answered) }
    }

    fn offsets_at_once(
        &self,
        client: &BaseConsumer<Context>,
        partitions: &[Partition],
        which: KafkaOffset,
    ) -> Result<Vec<(Partition, Offset)>, KafkaError> {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(self.topics.of(partition.topic), partition.number, which)?;
        }
        let found = client.offsets_for_times(list, ANSWER_WAIT_MAX)?;
        let mut offsets = Vec::with_capacity(partitions.len());
        for element in found.elements() {
            if element.error().is_err() {
                continue;
            }
            if let (Some(topic), KafkaOffset::Offset(offset)) =
                (self.topics.topic(element.topic()), element.offset())
            {
                offsets.push((Partition { topic, number: element.partition() }, Offset(offset)));
            }
        }
        Ok(offsets)
    }

    /// All partitions of a topic.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or has no such topic.
    pub fn partitions(&self, topic: Topic) -> Result<Vec<Partition>, KafkaError> {
        let metadata = self.consumer.fetch_metadata(Some(self.topics.of(topic)), ANSWER_WAIT_MAX)?;
        // Each client has metadata of its own, and must learn of new partitions.
        self.uncommitted.fetch_metadata(Some(self.topics.of(topic)), ANSWER_WAIT_MAX)?;
        if let Some(error) = metadata.topics().iter().find_map(|topic| topic.error()) {
            return Err(KafkaError::MetadataFetch(error.into()));
        }
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        Ok(partitions.map(|partition| Partition { topic, number: partition.id() }).collect())
    }

    /// Kafka's ids of the topics, as far as they can be learned.
    #[must_use]
    pub fn topic_ids(&self) -> HashMap<Topic, String> {
        let by_name = queue::topic_ids(self.consumer.client(), &self.topics.all(), ANSWER_WAIT_MAX);
        by_name.into_iter().filter_map(|(name, id)| Some((self.topics.topic(&name)?, id))).collect()
    }
}
