//! The environment of a run: services that may be taken away, topics, a schema, and the members.

use super::member::{END_LIMIT, Member};
use super::schedule::MEMBERS;
use anyhow::bail;
use load::Topics;
use rustix::process::Signal;
use stack::port;
use stack::run::program::Program;
use stack::run::server::Server;
use stack::{DatabaseUrl, Kafka, Postgres, Proxy, Redis, Services};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;

/// Partitions of each topic at the start.
pub const PARTITIONS: i32 = 4;

/// A batch ends after this time. It is short, so that faults hit transactions.
const BATCH_AGE_MAX: &str = "100ms";
/// The smallest allowed memory for the ledger, so that pages are evicted and read again.
const LEDGER_MEMORY_MB: &str = "16";
/// How soon new partitions are noticed.
const METADATA_REFRESH_MS: &str = "2000";
/// Heartbeats within a session.
const HEARTBEATS: u128 = 4;

/// The services, and everything created on them.
pub struct Stage {
    // First, because fields are dropped in this order.
    members: [Mutex<Member>; MEMBERS],
    admins: [SocketAddr; MEMBERS],
    consumer: PathBuf,
    topics: Topics,
    database: DatabaseUrl,
    services: Services,
}

impl Stage {
    /// Creates topics and schema on the services, and starts the members, whose sessions last `session`.
    ///
    /// # Errors
    /// When a service can't be taken away, because it was given, or something doesn't start.
    pub async fn set(services: Services, consumer: &Path, session: Duration) -> anyhow::Result<Self> {
        if let Some(lacking) = lacking(&services) {
            bail!(lacking);
        }
        let topics = Topics::default();
        services.kafka.create_topics(&topics.all(), PARTITIONS).await?;
        let database = services.postgres.create_migrated("chaos").await?;
        let parts = Parts { services: &services, consumer, topics: &topics, database: &database, session };
        let admins = [local()?, local()?, local()?];
        let [a, b, c] = admins;
        let members = [parts.member(1, a)?, parts.member(2, b)?, parts.member(3, c)?].map(Mutex::new);
        let stage = Self { members, admins, consumer: consumer.into(), topics, database, services };
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

    /// The database, without a proxy.
    #[must_use]
    pub fn database(&self) -> &DatabaseUrl {
        &self.database
    }

    /// Kafka.
    #[must_use]
    pub fn kafka(&self) -> &Kafka {
        &self.services.kafka
    }

    /// PostgreSQL.
    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.services.postgres
    }

    /// Redis.
    #[must_use]
    pub fn redis(&self) -> &Redis {
        self.services.redis.as_deref().expect("seen to be there when the stage was set")
    }

    /// This run's folder.
    #[must_use]
    pub fn run(&self) -> &Path {
        self.services.run()
    }

    /// Another command of the consumer's binary, on this run's database.
    #[must_use]
    pub fn command(&self, name: &str) -> Program {
        Program::new(format!("consumer {name}"), &self.consumer, self.run().join(format!("{name}.log")))
            .inherit(self.services.environment())
            .arg(name)
            .env("DATABASE_URL", self.database.as_str())
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

/// Why services can't be taken away, in a sentence.
#[must_use]
pub fn lacking(services: &Services) -> Option<String> {
    let of = |what: &str, server: Option<&Server>, variable: &str, packages: &str| {
        let sentence = || {
            format!(
                "{what} must be started here, or it can't be taken away: unset {variable}, install {packages}"
            )
        };
        server.is_none().then(sentence)
    };
    let redis = services.redis.as_ref().and_then(|redis| redis.server());
    of("Kafka", services.kafka.server(), "KAFKA_BROKERS", "Java 17 or newer and Maven")
        .or_else(|| of("PostgreSQL", services.postgres.server(), "DATABASE_URL", "PostgreSQL 15 or newer"))
        .or_else(|| of("Redis", redis, "REDIS_URL", "redis-server"))
}

/// A server that is started here, as [`lacking`] has checked.
pub fn server(server: Option<&Server>) -> &Server {
    server.expect("seen to be ours when the stage was set")
}

/// The values of the members' settings.
struct Parts<'a> {
    services: &'a Services,
    consumer: &'a Path,
    topics: &'a Topics,
    database: &'a DatabaseUrl,
    session: Duration,
}

impl Parts<'_> {
    fn member(&self, number: usize, admin: SocketAddr) -> anyhow::Result<Member> {
        let name = format!("member {number}");
        let log = self.services.run().join(format!("member-{number}.log"));
        let program = Program::new(&name, self.consumer, log)
            .inherit(self.services.environment())
            .arg("run")
            .end_by(Signal::TERM, END_LIMIT);
        let proxy = Proxy::to(self.database.server()?)?;
        let settings = self.settings(admin, &proxy);
        let program = settings.into_iter().fold(program, |program, (name, value)| program.env(name, value));
        Member::start(name, program, admin, proxy)
    }

    fn settings(&self, admin: SocketAddr, proxy: &Proxy) -> Vec<(&'static str, String)> {
        let heartbeat = self.session.as_millis() / HEARTBEATS;
        let mut settings = vec![
            ("DATABASE_URL", self.database.at(proxy.address()).as_str().to_owned()),
            ("KAFKA_BROKERS", self.services.kafka.brokers().to_owned()),
            ("KAFKA_GROUP_ID", "chaos".to_owned()),
            ("EVENTS_TOPIC", self.topics.events.clone()),
            ("WORKFLOW_TERMINALS_TOPIC", self.topics.workflow_terminals.clone()),
            ("MESSAGE_DELIVERIES_TOPIC", self.topics.message_deliveries.clone()),
            ("ADMIN_ADDR", admin.to_string()),
            ("BATCH_AGE_MAX", BATCH_AGE_MAX.to_owned()),
            ("LEDGER_MEMORY_MB", LEDGER_MEMORY_MB.to_owned()),
            ("KAFKA_CONFIG_SESSION_TIMEOUT_MS", self.session.as_millis().to_string()),
            ("KAFKA_CONFIG_HEARTBEAT_INTERVAL_MS", heartbeat.to_string()),
            ("KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS", METADATA_REFRESH_MS.to_owned()),
        ];
        settings.extend(self.services.redis.iter().map(|redis| ("REDIS_URL", redis.url().to_owned())));
        settings
    }
}

fn local() -> anyhow::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, port::free()?).into())
}
