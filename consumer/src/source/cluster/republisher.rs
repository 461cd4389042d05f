//! Publishes records again, to the partition they came from.

use super::{KafkaError, Settings};
use crate::source::aside::Quiet;
use crate::source::queue;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
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
    pub headers: &'a [(Vec<u8>, Option<Vec<u8>>)],
}

/// Why a record was not published.
#[derive(Debug, thiserror::Error)]
pub enum Unpublished {
    /// A right is missing.
    #[error(
        "this command may not write to topic {topic}: grant it the operation WRITE on that topic \
         (kafka-acls --add --allow-principal ... --operation Write --topic {topic})"
    )]
    NoRight {
        /// The topic's name.
        topic: String,
    },
    /// Kafka's client gave the record up because another one of the same partition failed.
    #[error("a record before it failed")]
    GivenUp,
    /// Kafka doesn't take it, or doesn't answer.
    #[error(transparent)]
    Refused(KafkaError),
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
    pub async fn publish(&self, record: Outgoing<'_>) -> Result<(), Unpublished> {
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (name, value) in record.headers {
            queue::add_header(&mut headers, name, value.as_deref());
        }
        let outgoing = FutureRecord {
            topic: record.topic,
            partition: Some(record.partition),
            key: record.key,
            payload: record.payload,
            timestamp: None,
            headers: Some(headers),
        };
        let delivery = self.producer.send(outgoing, DELIVERY_WAIT_MAX).await;
        delivery.map(drop).map_err(|(error, _)| self.in_words(record.topic, error))
    }

    fn in_words(&self, topic: &str, error: KafkaError) -> Unpublished {
        // A client that isn't given a producer's id fails for good. It says why, and all of its records only that.
        let fatal = self.producer.client().fatal_error().map(|(code, _)| code);
        match fatal.or(error.rdkafka_error_code()) {
            Some(
                RDKafkaErrorCode::TopicAuthorizationFailed | RDKafkaErrorCode::ClusterAuthorizationFailed,
            ) => Unpublished::NoRight { topic: topic.to_owned() },
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => Unpublished::GivenUp,
            Some(_) | None => Unpublished::Refused(error),
        }
    }
}

/// The failure that tells most of why records were not published.
///
/// # Errors
/// When one was not.
pub fn all_published(outcomes: Vec<Result<(), Unpublished>>) -> Result<(), Unpublished> {
    let failures = outcomes.into_iter().filter_map(Result::err);
    let telling = failures.min_by_key(|failure| matches!(failure, Unpublished::GivenUp));
    telling.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::mocking::MockCluster;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
    use std::collections::BTreeMap;

    /// What publishing a few records says while Kafka answers these requests so.
    async fn said(request: RDKafkaApiKey, answer: RDKafkaRespErr) -> String {
        let kafka = MockCluster::new(1).unwrap();
        kafka.create_topic("events", 1, 1).unwrap();
        kafka.request_errors(request, &[answer; 8]);
        let settings = Settings {
            kafka_brokers: kafka.bootstrap_servers(),
            kafka_group_id: "group".into(),
            layouts_topic: "layouts".into(),
            kafka_config: BTreeMap::new(),
        };
        let republisher = Republisher::new(&settings).unwrap();
        let record = Outgoing { topic: "events", partition: 0, key: None, payload: Some(b"x"), headers: &[] };
        let publishing = (0..5).map(|_| republisher.publish(record));
        let outcomes = futures_util::future::join_all(publishing).await;
        all_published(outcomes).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_missing_right_is_named_whichever_request_it_is_missed_by() {
        let (topic, cluster) = (
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        );
        for (request, answer) in [(RDKafkaApiKey::Produce, topic), (RDKafkaApiKey::InitProducerId, cluster)] {
            let said = said(request, answer).await;
            assert!(said.contains("may not write to topic events"), "{request:?}: {said}");
        }
    }
}
