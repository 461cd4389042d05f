//! The layouts' topic: one partition, to which `consumer layout change` adds where layouts end, and nobody else writes.

use super::aside::{Quiet, passes};
use crate::record::layouts::Announced;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::time::{Duration, Instant};

/// The topic's one partition.
pub const PARTITION: i32 = 0;
/// How long reading what was added may take.
const READ_WAIT_MAX: Duration = Duration::from_secs(10);
/// Most records that are read. A topic's layout changes a few times in its life.
const RECORDS_MAX: usize = 100_000;

/// The topic, as far as it was read.
pub struct LayoutLog {
    topic: String,
    config: ClientConfig,
    /// The offset of the next record to read.
    next: i64,
    announced: Vec<Announced>,
}

impl LayoutLog {
    /// Nothing is read yet. `config` is that of a consumer that sees what is behind open transactions: nobody's may hide a
    /// record here.
    pub fn new(topic: &str, mut config: ClientConfig) -> Self {
        config.set("enable.partition.eof", "true").set("isolation.level", "read_uncommitted");
        Self { topic: topic.to_owned(), config, next: 0, announced: Vec::new() }
    }

    /// Reads what was added, and returns all announcements in order; none if the topic doesn't exist. `client` is asked
    /// where the topic ends, and `wait` says for how long each answer may be waited for.
    ///
    /// # Errors
    /// When Kafka doesn't answer, or the topic may not be read.
    pub fn read(
        &mut self,
        client: &BaseConsumer<impl ConsumerContext>,
        wait: impl Fn() -> Duration,
    ) -> Result<&[Announced], KafkaError> {
        if exists(client, &self.topic, wait())? {
            let (first, end) = client.fetch_watermarks(&self.topic, PARTITION, wait())?;
            if end < self.next {
                // Another topic of that name.
                (self.next, self.announced) = (0, Vec::new());
            }
            if self.next < end {
                self.take(first.max(self.next), end)?;
            }
        }
        Ok(&self.announced)
    }

    fn take(&mut self, from: i64, end: i64) -> Result<(), KafkaError> {
        let reader: BaseConsumer<Quiet> = self.config.create_with_context(Quiet)?;
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, PARTITION, KafkaOffset::Offset(from))?;
        reader.assign(&list)?;
        let deadline = Instant::now() + READ_WAIT_MAX;
        while self.next < end && self.announced.len() < RECORDS_MAX {
            match reader.poll(deadline.saturating_duration_since(Instant::now())) {
                Some(Ok(record)) => {
                    self.next = record.offset() + 1;
                    match record.payload().and_then(Announced::read) {
                        Some(announced) => self.announced.push(announced),
                        None => tracing::warn!(
                            topic = self.topic,
                            offset = record.offset(),
                            "a record that says of no layout where it ends is passed over"
                        ),
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => self.next = end,
                Some(Err(KafkaError::MessageConsumption(code))) if passes(code) => {}
                Some(Err(error)) => return Err(error),
                None => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut)),
            }
        }
        Ok(())
    }
}

/// Whether a topic exists.
///
/// # Errors
/// When Kafka doesn't answer, or doesn't let this client know.
pub fn exists(
    client: &BaseConsumer<impl ConsumerContext>,
    topic: &str,
    wait: Duration,
) -> Result<bool, KafkaError> {
    let metadata = client.fetch_metadata(Some(topic), wait)?;
    match metadata.topics().iter().find_map(|topic| topic.error()).map(RDKafkaErrorCode::from) {
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(false),
        Some(code) => Err(KafkaError::MetadataFetch(code)),
        None => Ok(true),
    }
}
