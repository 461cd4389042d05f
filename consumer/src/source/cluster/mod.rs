//! Kafka for an operator's command, outside the consumer group. Calls block the thread, each up to a limit.

mod examined;
mod layouts;
mod log_reader;
mod members;
mod open_transactions;
mod republisher;
mod rereader;
mod rights;
mod topic_reader;

pub use log_reader::{LogReader, LogRecord, Next};
pub use members::{Member, Members};
pub use open_transactions::OpenTransaction;
pub use rdkafka::error::KafkaError;
pub use republisher::{Outgoing, Republisher, all_published};
pub use rereader::{Reread, Rereader};
pub use rights::{Lacking, Right};
pub use topic_reader::{Look, TopicReader};

use crate::record::Offset;
use crate::record::place::Place;
use crate::source::aside::Quiet;
use crate::source::describing::{self, Undescribed};
use chrono::{DateTime, Utc};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// How long one question waits for its answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long the client is listened to after it gave no answer.
const HEAR_WAIT: Duration = Duration::from_millis(200);
/// Between two questions about a partition that has no leader.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What is said of a partition that has no leader for a moment, or none that the client knows.
const LEADERLESS: [RDKafkaErrorCode; 6] = [
    RDKafkaErrorCode::UnknownPartition,
    RDKafkaErrorCode::UnknownTopic,
    RDKafkaErrorCode::UnknownTopicOrPartition,
    RDKafkaErrorCode::LeaderNotAvailable,
    RDKafkaErrorCode::NotLeaderForPartition,
    RDKafkaErrorCode::ReplicaNotAvailable,
];

/// What is said of a group that doesn't exist, and of one that this client may not see: it looks as if it had no members.
const UNSEEN: [RDKafkaErrorCode; 2] =
    [RDKafkaErrorCode::GroupIdNotFound, RDKafkaErrorCode::GroupAuthorizationFailed];

/// Settings that only apply to a member of the group. The others apply here as well, above all TLS and SASL.
const MEMBERS_ONLY: [&str; 10] = [
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "partition.assignment.strategy",
    "group.",
    "fetch.",
    "queued.",
    "enable.",
    "auto.",
    "isolation.level",
];

/// Where Kafka is.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "cluster")]
pub struct Settings {
    /// Kafka's bootstrap servers, as host:port, comma-separated.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub kafka_brokers: String,
    /// The consumer group whose members count.
    #[arg(long, env = "KAFKA_GROUP_ID", default_value = "business-metrics")]
    pub kafka_group_id: String,
    /// The topic that says where the topics' layouts end. `consumer layout change` makes it and writes to it.
    #[arg(long, env = "LAYOUTS_TOPIC", default_value = super::settings::LAYOUTS_TOPIC)]
    pub layouts_topic: String,
    /// librdkafka's settings, from `KAFKA_CONFIG_<SETTING>` with underscores for dots.
    #[arg(skip)]
    pub kafka_config: BTreeMap<String, String>,
}

impl Settings {
    /// What is wrong with the settings, in a sentence.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.kafka_brokers.trim().is_empty() {
            return Some("KAFKA_BROKERS must name bootstrap servers, like host:9092".into());
        }
        super::settings::refused(&self.config()).or_else(|| super::protection::unused(&self.kafka_config))
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "business-metrics-operator");
        for (name, value) in &self.kafka_config {
            if !MEMBERS_ONLY.iter().any(|prefix| name.starts_with(prefix)) {
                config.set(name, value);
            }
        }
        config.set("bootstrap.servers", &self.kafka_brokers);
        config
    }

    /// For a consumer that is in no group and commits no offsets.
    fn reader(&self, isolation_level: &str) -> ClientConfig {
        let mut config = self.config();
        config
            // librdkafka requires one. A consumer that neither subscribes nor commits is in no group.
            .set("group.id", &self.kafka_group_id)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("isolation.level", isolation_level);
        config
    }
}

/// Which offset of a partition is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// That of the oldest record Kafka still has.
    Earliest,
    /// The one after the newest record that may be read: the first of the earliest open transaction, where there is one
    /// (the last stable offset).
    Latest,
    /// The one after the newest record that the brokers have acknowledged (the high watermark), behind open transactions
    /// too.
    Acknowledged,
    /// That of the first record stamped at this instant or later; none where there is no such record.
    Time(DateTime<Utc>),
}

/// Kafka, connected.
pub struct Cluster {
    consumer: BaseConsumer<Quiet>,
    /// Sees what is behind open transactions.
    uncommitted: BaseConsumer<Quiet>,
    settings: Settings,
}

impl Cluster {
    /// Clients; they connect when they are first asked.
    ///
    /// # Errors
    /// When librdkafka refuses the settings.
    pub fn new(settings: &Settings) -> Result<Self, KafkaError> {
        let consumer = settings.reader("read_committed").create_with_context(Quiet)?;
        let uncommitted = settings.reader("read_uncommitted").create_with_context(Quiet)?;
        Ok(Self { consumer, uncommitted, settings: settings.clone() })
    }

    /// All partitions of a topic; none if it doesn't exist.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn partitions(&self, topic: &str) -> Result<Vec<Place>, KafkaError> {
        let metadata = self.heard(self.consumer.fetch_metadata(Some(topic), ANSWER_WAIT_MAX))?;
        // Each client has metadata of its own, and must learn of new partitions.
        self.uncommitted.fetch_metadata(Some(topic), ANSWER_WAIT_MAX)?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let mut places: Vec<_> = partitions
            .map(|partition| Place { topic: topic.to_owned(), partition: partition.id() })
            .collect();
        places.sort_unstable();
        Ok(places)
    }

    /// An offset of each place; places that Kafka doesn't know are left out.
    ///
    /// A partition that was just made, or that moves to another broker, has no leader for a moment. Kafka is asked again
    /// about those that its metadata lists and that it gives no offset of, until the limit of one question.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn offsets(&self, places: &[Place], at: At) -> Result<HashMap<Place, Offset>, KafkaError> {
        let deadline = Instant::now() + ANSWER_WAIT_MAX;
        let (mut found, mut missing) = (HashMap::new(), places.to_vec());
        loop {
            found.extend(self.offsets_now(&missing, at)?);
            missing.retain(|place| !found.contains_key(place));
            if !missing.is_empty() {
                let listed = self.listed(&missing)?;
                missing.retain(|place| listed.contains(place));
            }
            if missing.is_empty() || Instant::now() >= deadline {
                return Ok(found.into_iter().filter_map(|(place, offset)| Some((place, offset?))).collect());
            }
            std::thread::sleep(ASK_AGAIN_AFTER);
        }
    }

    /// All partitions of these places' topics.
    fn listed(&self, places: &[Place]) -> Result<BTreeSet<Place>, KafkaError> {
        let topics: BTreeSet<&str> = places.iter().map(|place| &*place.topic).collect();
        let listed: Result<Vec<Vec<Place>>, KafkaError> =
            topics.into_iter().map(|topic| self.partitions(topic)).collect();
        Ok(listed?.into_iter().flatten().collect())
    }

    /// What Kafka answers at once: no offset of a place that has none of the kind that is asked for.
    fn offsets_now(&self, places: &[Place], at: At) -> Result<HashMap<Place, Option<Offset>>, KafkaError> {
        let asked = match at {
            At::Earliest => KafkaOffset::Beginning,
            At::Latest | At::Acknowledged => KafkaOffset::End,
            At::Time(time) => KafkaOffset::Offset(time.timestamp_millis().max(0)),
        };
        let mut list = TopicPartitionList::new();
        for place in places {
            list.add_partition_offset(&place.topic, place.partition, asked)?;
        }
        if places.is_empty() {
            return Ok(HashMap::new());
        }
        let client = if at == At::Acknowledged { &self.uncommitted } else { &self.consumer };
        let found = match client.offsets_for_times(list, ANSWER_WAIT_MAX) {
            Err(error) if error.rdkafka_error_code().is_some_and(|code| LEADERLESS.contains(&code)) => {
                return Ok(HashMap::new());
            }
            answer => answer?,
        };
        let elements = found.elements();
        let known = elements.iter().filter(|element| element.error().is_ok());
        let answer = known.map(|element| {
            let offset =
                if let KafkaOffset::Offset(offset) = element.offset() { Some(Offset(offset)) } else { None };
            (Place { topic: element.topic().to_owned(), partition: element.partition() }, offset)
        });
        Ok(answer.collect())
    }

    /// The members of the consumer group now. Only the group's coordinator is asked, so no other broker holds this up.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn members(&self) -> Result<Members, KafkaError> {
        let (client, group) = (self.consumer.client(), &self.settings.kafka_group_id);
        match describing::group::describe(client, group, ANSWER_WAIT_MAX) {
            Ok(described) => Ok(Members::of(described)),
            Err(Undescribed(code)) if UNSEEN.contains(&code.into()) => Ok(Members::Nobody),
            Err(Undescribed(code)) => self.heard(Err(KafkaError::AdminOp(code.into()))),
        }
    }

    /// An answer; without one, what the client has to say about it is logged, for which it must be listened to.
    fn heard<T>(&self, answer: Result<T, KafkaError>) -> Result<T, KafkaError> {
        answer.inspect_err(|_| drop(self.consumer.poll(HEAR_WAIT)))
    }
}
