//! Kafka for an operator's command, outside the consumer group. Calls block the thread, each up to a limit.

mod members;
mod open_transactions;
mod republisher;
mod rereader;

pub use members::{Member, Members};
pub use open_transactions::OpenTransaction;
pub use rdkafka::error::KafkaError;
pub use republisher::{Outgoing, Republisher};
pub use rereader::{Reread, Rereader};

use crate::record::Offset;
use crate::record::place::Place;
use chrono::{DateTime, Utc};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::{ClientContext, Offset as KafkaOffset, TopicPartitionList};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How long one question waits for its answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);

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
        super::settings::refused(&self.config())
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
    /// That of the first record stamped at this instant or later; after the newest where there is none.
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
        let metadata = self.consumer.fetch_metadata(Some(topic), ANSWER_WAIT_MAX)?;
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
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn offsets(&self, places: &[Place], at: At) -> Result<HashMap<Place, Offset>, KafkaError> {
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
        let found = client.offsets_for_times(list, ANSWER_WAIT_MAX)?;
        let elements = found.elements();
        let known = elements.iter().filter(|element| element.error().is_ok());
        let known = known.filter_map(|element| {
            let KafkaOffset::Offset(offset) = element.offset() else { return None };
            Some((
                Place { topic: element.topic().to_owned(), partition: element.partition() },
                Offset(offset),
            ))
        });
        Ok(known.collect())
    }

    /// Gives a topic more partitions: `count` in all.
    ///
    /// # Errors
    /// When Kafka refuses, or doesn't answer.
    pub async fn extend(&self, topic: &str, count: i32) -> Result<(), KafkaError> {
        let admin: AdminClient<Quiet> = self.settings.config().create_with_context(Quiet)?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_WAIT_MAX));
        let count = usize::try_from(count).unwrap_or_default();
        let answers = admin.create_partitions(&[NewPartitions::new(topic, count)], &options).await?;
        let refusal = answers.into_iter().find_map(Result::err);
        refusal.map_or(Ok(()), |(_, code)| Err(KafkaError::AdminOp(code)))
    }

    /// The members of the consumer group now.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn members(&self) -> Result<Members, KafkaError> {
        let groups = self.consumer.fetch_group_list(Some(&self.settings.kafka_group_id), ANSWER_WAIT_MAX)?;
        Ok(Members::of(groups.groups()))
    }
}

/// Logs what the client says for debugging only: the command reports errors itself.
struct Quiet;

impl ConsumerContext for Quiet {}

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "{message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "Kafka");
    }
}
