//! Publishes records again, to the partition they came from.

use super::{KafkaError, Quiet, Settings};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::time::Duration;

/// How long a record may wait for room in the client, and then for Kafka to take it.
const DELIVERY_WAIT_MAX: Duration = Duration::from_secs(30);
/// Above any broker's limit: the broker decides which record is too large.
const RECORD_BYTES_MAX: &str = "1000000000";

/// A record to be published.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The topic's name.
    pub topic: &'a str,
    /// The partition's number.
    pub partition: i32,
    /// Its key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Its value, if it has one.
    pub payload: Option<&'a [u8]>,
    /// Its headers in order; a value may be missing.
    pub headers: &'a [(String, Option<Vec<u8>>)],
}

/// An idempotent producer that waits for every replica.
pub struct Republisher {
    producer: FutureProducer<Quiet>,
}

impl Republisher {
    /// A producer; it connects when it first publishes.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        let mut config = settings.config();
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", DELIVERY_WAIT_MAX.as_millis().to_string())
            .set("message.max.bytes", RECORD_BYTES_MAX);
        Ok(Self { producer: config.create_with_context(Quiet)? })
    }

    /// Publishes a record, and waits until Kafka has it.
    ///
    /// # Errors
    /// When Kafka doesn't take it.
    pub async fn publish(&self, record: Outgoing<'_>) -> Result<(), KafkaError> {
        let room = OwnedHeaders::new_with_capacity(record.headers.len());
        let headers = record
            .headers
            .iter()
            .fold(room, |headers, (key, value)| headers.insert(Header { key, value: value.as_deref() }));
        let outgoing = FutureRecord {
            topic: record.topic,
            partition: Some(record.partition),
            key: record.key,
            payload: record.payload,
            timestamp: None,
            headers: Some(headers),
        };
        let delivery = self.producer.send(outgoing, DELIVERY_WAIT_MAX).await;
        delivery.map(drop).map_err(|(error, _)| error)
    }
}
