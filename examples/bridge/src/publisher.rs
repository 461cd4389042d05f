//! Kafka: records are published when all of them are acknowledged.

use crate::settings::KafkaSettings;
use anyhow::bail;
use futures_util::future::try_join_all;
use prost::Message as _;
use proto::v1::MessageDelivery;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use std::time::Duration;

/// How long Kafka may take to acknowledge a record. Providers wait for an answer for some 10 s.
const ACKNOWLEDGED_WITHIN_MS: &str = "8000";

/// How long a record may wait for a place in the queue.
const QUEUE_WAIT_MAX: Duration = Duration::from_secs(2);

/// How many records may wait to be acknowledged.
const QUEUE_RECORDS_MAX: &str = "20000";

/// What the promise to providers rests on, and what the consumer needs to recognize copies: murmur2, as Java has it. A record that is
/// sent twice counts once, so the producer needn't be idempotent.
const FIXED: [(&str, &str); 4] = [
    ("acks", "all"),
    ("message.timeout.ms", ACKNOWLEDGED_WITHIN_MS),
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.messages", QUEUE_RECORDS_MAX),
];

/// A producer of message records.
pub struct Publisher {
    producer: FutureProducer,
    topic: String,
}

impl Publisher {
    /// A producer with these settings. It connects by itself.
    pub fn new(settings: &KafkaSettings) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &settings.kafka_brokers).set("linger.ms", "2");
        for setting in &settings.kafka_config {
            let Some((name, value)) = setting.split_once('=') else {
                bail!("KAFKA_CONFIG has a part without \"=\": write name=value,name=value");
            };
            if FIXED.iter().any(|(fixed, _)| *fixed == name) {
                bail!("KAFKA_CONFIG must not set {name}: what the bridge promises rests on it");
            }
            config.set(name, value);
        }
        FIXED.iter().for_each(|(name, value)| {
            config.set(*name, *value);
        });
        Ok(Self { producer: config.create()?, topic: settings.message_deliveries_topic.clone() })
    }

    /// Publishes records, each by the key of its organization, and waits until Kafka has acknowledged all.
    pub async fn publish(&self, records: &[MessageDelivery]) -> Result<(), KafkaError> {
        try_join_all(records.iter().map(|record| self.publish_one(record))).await?;
        Ok(())
    }

    async fn publish_one(&self, record: &MessageDelivery) -> Result<(), KafkaError> {
        let value = record.encode_to_vec();
        let record = FutureRecord::to(&self.topic).key(&record.organization_id).payload(&value);
        let sent = self.producer.send(record, QUEUE_WAIT_MAX).await;
        sent.map(|_| ()).map_err(|(error, _)| error)
    }
}
