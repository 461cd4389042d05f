//! librdkafka's callbacks. They only take note; the polling thread acts.

use super::faults::{Obstacle, of_own_certificate};
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

/// How long the client's words about a connection stand. It tries again every two seconds, and leaves out what it has said within
/// 30 s, unless it has said something else since.
const WORDS_AGE_MAX: Duration = Duration::from_secs(40);
/// Words that are so much older than the latest ones are outdated.
const WORDS_APART_MAX: Duration = Duration::from_secs(10);

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
        let latest = obstacles.values().map(|(_, at)| *at).max()?;
        let stands =
            |at: Instant| at.elapsed() < WORDS_AGE_MAX && latest.duration_since(at) < WORDS_APART_MAX;
        let mut standing = obstacles.iter().filter(|(_, (_, at))| stands(*at));
        standing.next().map(|(obstacle, (words, _))| (*obstacle, words.clone()))
    }

    fn note(&self, error: &KafkaError, words: &str) {
        if let Some(obstacle) = obstacle_in(error, words) {
            let mut obstacles = self.obstacles.lock().unwrap_or_else(PoisonError::into_inner);
            obstacles.insert(obstacle, (words.to_owned(), Instant::now()));
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

/// What an error of the client's says about its connections. Brokers refuse a client's certificate after the handshake, so that
/// error's code is that of a lost connection.
fn obstacle_in(error: &KafkaError, words: &str) -> Option<Obstacle> {
    let code = error.rdkafka_error_code();
    let obstacle = OBSTACLES.iter().find(|(known, _)| Some(*known) == code).map(|(_, obstacle)| *obstacle);
    obstacle.map(|obstacle| if of_own_certificate(words).is_some() { Obstacle::Tls } else { obstacle })
}

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
                tracing::warn!(target: "kafka", facility, said = message, "Kafka's client");
            }
            RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "kafka", facility, said = message, "Kafka's client");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "kafka", facility, said = message, "Kafka's client");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.note(&error, reason);
        // Idle connections are disconnected every day. Readiness says when no broker answers.
        let is_connection = error.rdkafka_error_code() == Some(RDKafkaErrorCode::BrokerTransportFailure);
        if is_connection && of_own_certificate(reason).is_none() {
            tracing::debug!(target: "kafka", %error, why = reason, "an error of Kafka's client");
        } else {
            tracing::warn!(target: "kafka", %error, why = reason, "an error of Kafka's client");
        }
    }
}
