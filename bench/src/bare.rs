//! The peer of the ingest benchmark: a consumer that fetches and decodes records, and does nothing else.
//!
//! It uses librdkafka's batch call, the fastest way to read from Kafka, with its best settings. It stores no offsets, joins
//! no group, and reads each partition from its start.

mod raw;

use anyhow::{Context as _, Result, ensure};
use prost::Message as _;
use proto::v1::Event;
use proto::v1::event::Body;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// How long no record may arrive; after that the topic counts as too short.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// How long one call waits for records.
const WAIT: Duration = Duration::from_millis(50);

/// The result of a run.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Records read.
    pub records: u64,
    /// How many of them were orders: proof that they were decoded.
    pub orders: u64,
    /// From the request for the first record until the last is decoded.
    pub elapsed: Duration,
}

impl Figure {
    /// Records per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // a rate needs no more digits than an f64 has
        let records = self.records as f64;
        records / self.elapsed.as_secs_f64()
    }
}

/// Reads and decodes `records` events from the partitions `0..partitions` of `topic`.
///
/// # Errors
/// When Kafka can't be reached, a value is no `Event`, or the topic has fewer records.
pub fn read(brokers: &str, topic: &str, partitions: i32, records: u64) -> Result<Figure> {
    let consumer = consumer(brokers)?;
    let mut places = TopicPartitionList::new();
    for partition in 0..partitions {
        places.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    let mut queue = raw::Queue::of(&consumer);
    let mut figure = Figure { records: 0, orders: 0, elapsed: Duration::ZERO };
    let start = Instant::now();
    consumer.assign(&places)?;
    let mut heard = start;
    while figure.records < records {
        let before = figure.records;
        queue.take_batch(WAIT, |payload| {
            let event = Event::decode(payload).context("a value is no event")?;
            figure.records += 1;
            figure.orders += u64::from(matches!(event.body, Some(Body::OrderCreated(_))));
            Ok(())
        })?;
        if figure.records > before {
            heard = Instant::now();
        }
        let seen = figure.records;
        ensure!(
            heard.elapsed() < SILENCE_LIMIT,
            "{seen} of {records} records came, then none for {SILENCE_LIMIT:?}"
        );
    }
    figure.elapsed = start.elapsed();
    Ok(figure)
}

fn consumer(brokers: &str) -> Result<BaseConsumer> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        // The group is never joined, but the client needs a name before it accepts an assignment.
        .set("group.id", "bench-bare")
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("fetch.message.max.bytes", "8388608")
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", "131072")
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "10")
        .create()
        .context("the consumer can't be set up")
}

#[cfg(test)]
mod tests {
    use load::murmur2::partition_of;

    #[test]
    fn librdkafka_chooses_the_partition_that_the_load_is_put_into() {
        for n in 0..2_000u32 {
            let key = format!("org_{n:0width$}", width = usize::try_from(n % 7).unwrap());
            let theirs = super::raw::librdkafkas_partition(key.as_bytes(), 8);
            assert_eq!(partition_of(key.as_bytes(), 8), theirs, "{key}");
        }
    }
}
