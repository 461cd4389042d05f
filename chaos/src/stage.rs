//! The environment of a run: services that may be taken away, topics, a schema, and the members.

use super::member::{END_LIMIT, Member};
use super::offsets::Offsets;
use super::schedule::MEMBERS;
use super::servers::Servers;
use load::Topics;
use rustix::process::Signal;
use stack::port;
use stack::run::program::Program;
use stack::{DatabaseUrl, Kafka, KafkaCluster, PostgresPair, Proxy, Redis};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;

/// The members' group.
pub const GROUP: &str = "chaos";
/// Partitions of each topic at the start.
pub const PARTITIONS: i32 = 4;

/// A batch ends after this time. It is short, so that faults hit transactions.
const BATCH_AGE_MAX: &str = "100ms";
/// The smallest allowed memory for the ledger, so that pages are evicted and read again.
const LEDGER_MEMORY_MB: &str = "16";
/// More dead letters than there are: each is kept whole, and compared.
const DEAD_LETTERS_MAX: &str = "1000000";
/// More redrives than there are.
const REDRIVES_MAX: &str = "1000";
/// How soon new partitions are noticed.
const METADATA_REFRESH_MS: &str = "2000";
/// Heartbeats within a session.
const HEARTBEATS: u128 = 4;

/// The servers, and everything created on them.
pub struct Stage {
    // First, because fields are dropped in this order.
    members: [Mutex<Member>; MEMBERS],
    admins: [SocketAddr; MEMBERS],
    consumer: PathBuf,
    topics: Topics,
    database: DatabaseUrl,
    _proxy: Proxy,
    servers: Servers,
}

impl Stage {
    /// Creates topics and schema on the servers, takes a first backup, and starts the members, whose sessions last `session`.
    ///
    /// # Errors
    /// When something doesn't start.
    pub async fn set(servers: Servers, consumer: &Path, session: Duration) -> anyhow::Result<Self> {
        let topics = Topics::default();
        servers.kafka.kafka().create_topics(&topics.all(), PARTITIONS).await?;
        let database = servers.postgres.create_migrated("chaos").await?;
        servers.postgres.back_up().await?;
        let parts = Parts { servers: &servers, consumer, topics: &topics, database: &database, session };
        let admins = [local()?, local()?, local()?];
        let [a, b, c] = admins;
        let members = [parts.member(1, a)?, parts.member(2, b)?, parts.member(3, c)?].map(Mutex::new);
        // Commands and comparisons find the primary, too, after it has changed.
        let proxy = Proxy::to(servers.postgres.target())?;
        let database = database.at(proxy.address());
        let consumer = consumer.into();
        let stage = Self { members, admins, consumer, topics, database, _proxy: proxy, servers };
        for member in &stage.members {
            member.lock().await.until_ready().await?;
        }
        Ok(stage)
    }

    /// The members. A fault locks the member it concerns.
    #[must_use]
    pub fn members(&self) -> &[Mutex<Member>; MEMBERS] {
        &self.members
    }

    /// The admin addresses of all members.
    #[must_use]
    pub fn admins(&self) -> [SocketAddr; MEMBERS] {
        self.admins
    }

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// The database on the primary of the moment.
    #[must_use]
    pub fn database(&self) -> &DatabaseUrl {
        &self.database
    }

    /// Kafka, as clients see it.
    #[must_use]
    pub fn kafka(&self) -> &Kafka {
        self.servers.kafka.kafka()
    }

    /// Kafka's brokers.
    #[must_use]
    pub fn cluster(&self) -> &KafkaCluster {
        &self.servers.kafka
    }

    /// PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> &PostgresPair {
        &self.servers.postgres
    }

    /// Redis.
    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.servers.redis
    }

    /// Where the topics' partitions end: what Kafka has acknowledged.
    ///
    /// # Errors
    /// When Kafka doesn't answer.
    pub fn ends(&self) -> anyhow::Result<Offsets> {
        let mut ends = Offsets::default();
        for topic in self.topics.all() {
            for (partition, end) in (0..).zip(self.kafka().ends(topic)?) {
                ends.set(topic, partition, end);
            }
        }
        Ok(ends)
    }

    /// This run's folder.
    #[must_use]
    pub fn run(&self) -> &Path {
        self.servers.run()
    }

    /// Another command of the consumer's binary, on this run's servers.
    #[must_use]
    pub fn command(&self, name: &str) -> Program {
        Program::new(format!("consumer {name}"), &self.consumer, self.run().join(format!("{name}.log")))
            .inherit(self.servers.environment())
            .arg(name)
            .env("DATABASE_URL", self.database.as_str())
            .env("KAFKA_BROKERS", self.kafka().brokers())
            .env("KAFKA_GROUP_ID", GROUP)
            .env("RECOUNT_STATE", self.run().join("recount").display().to_string())
    }

    /// The command that redrives all dead letters which weren't yet.
    #[must_use]
    pub fn redrive(&self) -> Program {
        self.command("dead-letters").args(["redrive", "--all", "--redrives-max", REDRIVES_MAX])
    }

    /// A dump of the database, to nowhere.
    #[must_use]
    pub fn dump(&self) -> Program {
        self.postgres().tool("pg_dump", &self.database).arg("--file=/dev/null")
    }

    /// Checks that no member has ended by itself. Members under a fault are skipped.
    ///
    /// # Errors
    /// When a member has.
    pub fn stands(&self) -> anyhow::Result<()> {
        self.members
            .iter()
            .filter_map(|member| member.try_lock().ok())
            .try_for_each(|mut member| member.stands())
    }
}

/// The values of the members' settings.
struct Parts<'a> {
    servers: &'a Servers,
    consumer: &'a Path,
    topics: &'a Topics,
    database: &'a DatabaseUrl,
    session: Duration,
}

impl Parts<'_> {
    fn member(&self, number: usize, admin: SocketAddr) -> anyhow::Result<Member> {
        let name = format!("member {number}");
        let log = self.servers.run().join(format!("member-{number}.log"));
        let program = Program::new(&name, self.consumer, log)
            .inherit(self.servers.environment())
            .arg("run")
            .end_by(Signal::TERM, END_LIMIT);
        let proxy = Proxy::to(self.servers.postgres.target())?;
        let settings = self.settings(admin, &proxy);
        let program = settings.into_iter().fold(program, |program, (name, value)| program.env(name, value));
        Member::start(name, program, admin, proxy)
    }

    fn settings(&self, admin: SocketAddr, proxy: &Proxy) -> Vec<(&'static str, String)> {
        let heartbeat = self.session.as_millis() / HEARTBEATS;
        vec![
            ("DATABASE_URL", self.database.at(proxy.address()).as_str().to_owned()),
            ("KAFKA_BROKERS", self.servers.kafka.kafka().brokers().to_owned()),
            ("KAFKA_GROUP_ID", GROUP.to_owned()),
            ("REDIS_URL", self.servers.redis.url().to_owned()),
            ("EVENTS_TOPIC", self.topics.events.clone()),
            ("WORKFLOW_TERMINALS_TOPIC", self.topics.workflow_terminals.clone()),
            ("MESSAGE_DELIVERIES_TOPIC", self.topics.message_deliveries.clone()),
            ("ADMIN_ADDR", admin.to_string()),
            ("BATCH_AGE_MAX", BATCH_AGE_MAX.to_owned()),
            ("LEDGER_MEMORY_MB", LEDGER_MEMORY_MB.to_owned()),
            ("DEAD_LETTERS_WHOLE_PER_HOUR", DEAD_LETTERS_MAX.to_owned()),
            ("KAFKA_CONFIG_SESSION_TIMEOUT_MS", self.session.as_millis().to_string()),
            ("KAFKA_CONFIG_HEARTBEAT_INTERVAL_MS", heartbeat.to_string()),
            ("KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS", METADATA_REFRESH_MS.to_owned()),
        ]
    }
}

fn local() -> anyhow::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, port::free()?).into())
}
