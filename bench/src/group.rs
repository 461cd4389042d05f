//! A consumer group: the common settings of its members.

use super::steady::Steady;
use super::watch::Watch;
use ::load::Topics;
use stack::port;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::{DatabaseUrl, Services};
use std::path::Path;

/// A group, with the topics that it reads and the database that it counts into.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    /// Kafka, PostgreSQL, and Redis if there is one.
    pub services: &'a Services,
    /// The consumer's binary.
    pub consumer: &'a Path,
    /// The topics.
    pub topics: &'a Topics,
    /// The group's name.
    pub name: &'a str,
    /// The database.
    pub database: &'a DatabaseUrl,
}

/// Creates the three topics: that of events, which has all records of these benchmarks, with this many partitions, the
/// others with one each. With more, an assignor that distributes the partitions of all topics together could give one member
/// all partitions of events.
///
/// # Errors
/// When Kafka refuses.
pub async fn create_topics(services: &Services, topics: &Topics, partitions: i32) -> anyhow::Result<()> {
    let Topics { events, workflow_terminals, message_deliveries } = topics;
    services.kafka.create_topics(&[events], partitions).await?;
    services.kafka.create_topics(&[workflow_terminals, message_deliveries], 1).await
}

impl Group<'_> {
    /// Starts a member with these settings in addition to the consumer's defaults. `member` is its log's name.
    ///
    /// # Errors
    /// When it can't start.
    pub fn start(&self, member: &str, settings: &[(&str, String)]) -> anyhow::Result<Process> {
        let log = self.services.run().join(format!("consumer-{member}.log"));
        let mut program = Program::new("consumer", self.consumer, log)
            .inherit(self.services.environment())
            .arg("run")
            .env("DATABASE_URL", self.database.as_str())
            .env("KAFKA_BROKERS", self.services.kafka.brokers())
            .env("KAFKA_GROUP_ID", self.name)
            .env("EVENTS_TOPIC", &self.topics.events)
            .env("WORKFLOW_TERMINALS_TOPIC", &self.topics.workflow_terminals)
            .env("MESSAGE_DELIVERIES_TOPIC", &self.topics.message_deliveries)
            .env("ADMIN_ADDR", format!("127.0.0.1:{}", port::free()?));
        if let Some(redis) = &self.services.redis {
            program = program.env("REDIS_URL", redis.url()).env("CACHE_KEY_PREFIX", &self.topics.events);
        }
        for (setting, value) in settings {
            program = program.env(setting, value);
        }
        Process::start(program)
    }

    /// A watch over the topic of events, which has this many partitions.
    ///
    /// # Errors
    /// When PostgreSQL can't be reached.
    pub async fn watch(&self, partitions: i32) -> anyhow::Result<Watch> {
        Watch::new(self.database, &self.topics.events, usize::try_from(partitions)?).await
    }

    /// Starts to produce `rate` records a second into that topic.
    ///
    /// # Errors
    /// When the producer can't be created.
    pub fn produce(&self, partitions: i32, rate: u64) -> anyhow::Result<Steady> {
        Steady::start(self.services.kafka.brokers(), self.topics, partitions, rate)
    }
}
