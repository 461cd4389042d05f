//! Reads batches from Kafka, from where the database says.

use crate::batch::{Batch, Place};
use crate::counted::decode;
use anyhow::{Context as _, Result};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// Most records of a batch: where a statement's own cost stops to matter.
const BATCH_RECORDS_MAX: usize = 50_000;
/// How long a record may wait for a batch to fill.
const BATCH_AGE_MAX: Duration = Duration::from_millis(500);
/// How long Kafka may take to say which partitions there are.
const METADATA_LIMIT: Duration = Duration::from_secs(30);

/// A consumer of some partitions.
pub struct Reader {
    consumer: BaseConsumer,
    topics: Vec<String>,
}

/// All partitions of the topics.
///
/// # Errors
/// When Kafka doesn't say.
pub fn places(brokers: &str, topics: &[String]) -> Result<Vec<Place>> {
    let consumer = consumer(brokers)?;
    let mut places = Vec::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), METADATA_LIMIT)?;
        let found = metadata.topics().first().context("Kafka answered about no topic")?;
        let mut partitions: Vec<i32> = found.partitions().iter().map(|partition| partition.id()).collect();
        partitions.sort_unstable();
        places.extend(partitions.into_iter().map(|partition| (topic.clone(), partition)));
    }
    Ok(places)
}

impl Reader {
    /// Starts reading each place at its offset.
    ///
    /// # Errors
    /// When the client can't be set up.
    pub fn start(brokers: &str, topics: &[String], starts: &[(Place, i64)]) -> Result<Self> {
        let consumer = consumer(brokers)?;
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offset) in starts {
            list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
        }
        consumer.assign(&list)?;
        Ok(Self { consumer, topics: topics.to_vec() })
    }

    /// The next batch; empty when nothing came within its time.
    ///
    /// # Errors
    /// When Kafka reports one, or a value can't be decoded.
    pub fn read(&self) -> Result<Batch> {
        let mut batch = Batch::default();
        let end = Instant::now() + BATCH_AGE_MAX;
        while batch.records.len() < BATCH_RECORDS_MAX {
            let left = end.saturating_duration_since(Instant::now());
            let Some(message) = self.consumer.poll(left) else { break };
            let message = message?;
            let topic = self.topics.iter().position(|topic| topic == message.topic());
            let value = message.payload().unwrap_or_default();
            batch.records.extend(decode(topic.context("a topic nobody asked for")?, value)?);
            batch.note(message.topic(), message.partition(), message.offset());
        }
        Ok(batch)
    }
}

impl Batch {
    fn note(&mut self, topic: &str, partition: i32, offset: i64) {
        // Looked for before it is made, because a key of its own for every record would cost an allocation.
        let known = self.offsets.iter_mut().find(|((name, number), _)| *number == partition && name == topic);
        match known {
            Some((_, (_, until))) => *until = offset + 1,
            None => {
                self.offsets.insert((topic.to_owned(), partition), (offset, offset + 1));
            }
        }
    }
}

/// librdkafka's settings for throughput: large fetches, a long queue, little waiting.
fn consumer(brokers: &str) -> Result<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        // Never joined: partitions are shared out by number.
        .set("group.id", "bench-afternoon")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("fetch.message.max.bytes", "8388608")
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", "65536")
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "10")
        .create()
        .context("the consumer can't be set up")
}
