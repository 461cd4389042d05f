//! librdkafka's callbacks. They only take note; the polling thread acts.

use super::faults::Obstacle;
use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the client's words about a connection are its latest: it tries again every two seconds.
const WORDS_AGE_MAX: Duration = Duration::from_secs(10);

/// A change of what is assigned to this member.
pub enum Rebalance {
    /// Partitions that are added, by topic and number.
    Assign(Vec<(String, i32)>),
    /// Partitions that are taken away.
    Revoke(Vec<(String, i32)>),
}

/// Notes rebalances until the polling thread looks at them, and what the client says about its connections.
#[derive(Default)]
pub struct Context {
    rebalances: Mutex<VecDeque<Rebalance>>,
    obstacles: Mutex<BTreeMap<Obstacle, (String, Instant)>>,
    /// Whether Kafka refused the latest report of offsets because this client may not be in the group; until it is taken.
    word_of_the_group: Mutex<Option<bool>>,
    closing: AtomicBool,
}

impl Context {
    /// The next rebalance, if any.
    pub fn next(&self) -> Option<Rebalance> {
        self.rebalances.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// What has kept the client from connecting to a broker lately: the most specific cause.
    pub fn obstacle(&self) -> Option<(Obstacle, String)> {
        let obstacles = self.obstacles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = obstacles.iter().filter(|(_, (_, at))| at.elapsed() < WORDS_AGE_MAX);
        latest.next().map(|(obstacle, (words, _))| (*obstacle, words.clone()))
    }

    fn note(&self, error: &KafkaError, words: &str) {
        let code = error.rdkafka_error_code();
        let obstacle = OBSTACLES.iter().find(|(known, _)| Some(*known) == code);
        if let Some((_, obstacle)) = obstacle {
            let mut obstacles = self.obstacles.lock().unwrap_or_else(PoisonError::into_inner);
            obstacles.insert(*obstacle, (words.to_owned(), Instant::now()));
        }
    }

    /// What Kafka has said since this was last asked: whether this client is forbidden to be in the group.
    pub fn take_word_of_the_group(&self) -> Option<bool> {
        self.word_of_the_group.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// From now on rebalances are answered at once, since the polling thread no longer looks at them.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// What the client's errors say about its connections.
const OBSTACLES: [(RDKafkaErrorCode, Obstacle); 6] = [
    (RDKafkaErrorCode::Authentication, Obstacle::Login),
    (RDKafkaErrorCode::SaslAuthenticationFailed, Obstacle::Login),
    (RDKafkaErrorCode::SSL, Obstacle::Tls),
    (RDKafkaErrorCode::Resolve, Obstacle::Name),
    (RDKafkaErrorCode::BrokerTransportFailure, Obstacle::Connection),
    (RDKafkaErrorCode::OperationTimedOut, Obstacle::Connection),
];

impl ConsumerContext for Context {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        let code = result.err().and_then(|error| error.rdkafka_error_code());
        let is_forbidden = code == Some(RDKafkaErrorCode::GroupAuthorizationFailed);
        *self.word_of_the_group.lock().unwrap_or_else(PoisonError::into_inner) = Some(is_forbidden);
    }

    fn rebalance(&self, consumer: &BaseConsumer<Self>, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        if self.closing.load(Ordering::Relaxed) {
            let answered = match consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
                RebalanceProtocol::None | RebalanceProtocol::Eager => consumer.unassign(),
            };
            if let Err(error) = answered {
                tracing::debug!(%error, "a rebalance while closing");
            }
            return;
        }
        let partitions =
            list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect();
        let rebalance = if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Rebalance::Assign(partitions)
        } else {
            Rebalance::Revoke(partitions)
        };
        self.rebalances.lock().unwrap_or_else(PoisonError::into_inner).push_back(rebalance);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::warn!(target: "kafka", facility, "{message}");
            }
            RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "kafka", facility, "{message}");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "kafka", facility, "{message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note(&error, reason);
        // Idle connections are disconnected every day. Readiness says when no broker answers.
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::BrokerTransportFailure) {
            tracing::debug!(target: "kafka", %error, reason, "Kafka");
        } else {
            tracing::warn!(target: "kafka", %error, reason, "Kafka");
        }
    }
}
