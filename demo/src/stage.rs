//! Everything that must run before the first record: services, schema, topics, both binaries.

use anyhow::{Context as _, bail, ensure};
use load::{Company, Topics};
use machine::page;
use machine::say;
use stack::binaries::Binaries;
use stack::http;
use stack::port;
use stack::run::process::Process;
use stack::run::program::Program;
use stack::token::Secret;
use stack::wait::{self, Seen};
use stack::{DatabaseUrl, Purpose, Services};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;
use tokio_postgres::Client;

/// How long migrating the schema may take.
const MIGRATION_LIMIT: Duration = Duration::from_secs(60);
/// How long a binary may take from its start until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running system. What it started ends with it.
pub struct Stage {
    // In the order in which they end.
    consumer: Mutex<Process>,
    query_api: Mutex<Process>,
    client: Client,
    secret: Secret,
    addresses: Addresses,
    database: DatabaseUrl,
    topics: Topics,
    page: Option<PathBuf>,
    keep: bool,
    services: Services,
}

/// The binaries' addresses.
#[derive(Clone, Copy)]
struct Addresses {
    api: SocketAddr,
    api_admin: SocketAddr,
    consumer_admin: SocketAddr,
}

impl Stage {
    /// Starts everything, and prints a line for each part.
    ///
    /// # Errors
    /// When a part can't be obtained or started; the error says what to do, or shows the end of a log.
    pub async fn set(partitions: i32, keep: bool) -> anyhow::Result<Self> {
        let services = Services::start(Purpose::Demo).await?;
        let binaries = Binaries::beside_this_program()?;
        let name = format!("business_metrics_demo_{}", std::process::id());
        let database = services.postgres.create_database(&name).await?;
        migrate(&services, &binaries.consumer, &database).await?;
        // On a given broker the usual names may be in use.
        let ours = services.kafka.server().is_some() || !services.kafka.is_real();
        let topics =
            if ours { Topics::default() } else { Topics::prefixed(&format!("demo-{}-", std::process::id())) };
        services.kafka.create_topics(&topics.all(), partitions).await?;
        say::choice("Topics", format_args!("{}, {partitions} partitions each", topics.all().join(", ")));
        let secret = Secret::random()?;
        let addresses = Addresses { api: local()?, api_admin: local()?, consumer_admin: local()? };
        let page = Some(page::built()).filter(|folder| folder.join("index.html").is_file());
        let parts = Parts {
            services: &services,
            topics: &topics,
            database: &database,
            page: page.as_deref(),
            addresses,
        };
        let stage = Self {
            consumer: Mutex::new(Process::start(parts.consumer(&binaries.consumer))?),
            query_api: Mutex::new(Process::start(parts.query_api(&binaries.query_api, &secret))?),
            client: database.connect().await?,
            secret,
            addresses,
            database,
            topics,
            page,
            keep,
            services,
        };
        stage.ready(&stage.consumer, addresses.consumer_admin).await?;
        stage.ready(&stage.query_api, addresses.api_admin).await?;
        Ok(stage)
    }

    /// Prints the API's address, and how to ask for each company's numbers.
    ///
    /// # Errors
    /// When a token can't be signed.
    pub fn invite(&self, companies: &[Company]) -> anyhow::Result<()> {
        let api = self.addresses.api;
        say::choice("Query API", format_args!("http://{api}, described at http://{api}/docs"));
        for company in companies {
            let token = self.secret.token(&company.id)?;
            say::line(format_args!("\n# {} ({})", company.name, company.id));
            say::line(format_args!(
                "curl -H 'Authorization: Bearer {token}' http://{api}/v1/metrics/summary"
            ));
            if self.page.is_some() {
                // After the #, so that the token isn't sent to a server or logged.
                say::line(format_args!("http://{api}/overview#token={token}"));
            }
        }
        say::line("");
        Ok(())
    }

    /// A connection to the database.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The address of the consumer's metrics.
    #[must_use]
    pub fn consumer_admin(&self) -> SocketAddr {
        self.addresses.consumer_admin
    }

    /// The value of `bootstrap.servers`.
    #[must_use]
    pub fn brokers(&self) -> &str {
        self.services.kafka.brokers()
    }

    /// The limits of this Kafka, if it is the mock.
    #[must_use]
    pub fn kafka_limits(&self) -> Option<&'static str> {
        self.services.kafka.limits()
    }

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Checks that both binaries are still running.
    ///
    /// # Errors
    /// When one has ended, with the end of its log.
    pub fn stands(&self) -> anyhow::Result<()> {
        still_running(&self.consumer)?;
        still_running(&self.query_api)
    }

    /// Ends the binaries. Removes what was created on given servers, unless it is to be kept.
    ///
    /// # Errors
    /// When a server refuses.
    pub async fn clear(self) -> anyhow::Result<()> {
        let Self { consumer, query_api, client, database, topics, keep, services, .. } = self;
        drop((consumer, query_api, client));
        if services.postgres.server().is_none() {
            if keep {
                say::choice("Kept", format_args!("database {database}"));
            } else {
                let name = format!("business_metrics_demo_{}", std::process::id());
                let maintenance = services.postgres.url().connect().await?;
                maintenance.batch_execute(&format!("drop database \"{name}\" with (force)")).await?;
            }
        }
        if services.kafka.server().is_none() && services.kafka.is_real() {
            if keep {
                say::choice("Kept", format_args!("topics {}", topics.all().join(", ")));
            } else {
                services
                    .kafka
                    .admin()?
                    .delete_topics(&topics.all(), &rdkafka::admin::AdminOptions::new())
                    .await?;
            }
        }
        Ok(())
    }

    async fn ready(&self, process: &Mutex<Process>, admin: SocketAddr) -> anyhow::Result<()> {
        wait::until("a binary to be ready", READY_LIMIT, async || {
            still_running(process)?;
            Ok(match tokio::task::block_in_place(|| http::get(admin, "/readyz")) {
                Ok(_) => Seen::Ready(()),
                Err(error) => Seen::NotYet(format!("{error:#}")),
            })
        })
        .await
    }
}

fn still_running(process: &Mutex<Process>) -> anyhow::Result<()> {
    let mut process = process.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match process.ended() {
        None => Ok(()),
        Some(status) => bail!("a binary ended ({status}); the end of its log:\n{}", process.log_tail()),
    }
}

fn local() -> anyhow::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, port::free()?).into())
}

async fn migrate(services: &Services, consumer: &Path, database: &DatabaseUrl) -> anyhow::Result<()> {
    let program = Program::new("consumer migrate", consumer, services.run().join("migrate.log"))
        .inherit(services.environment())
        .arg("migrate")
        .env("DATABASE_URL", database.as_str());
    let mut process = Process::start(program)?;
    let status = process.wait(MIGRATION_LIMIT).await.context("the schema takes too long")?;
    ensure!(status.success(), "the schema can't be brought up to date ({status}):\n{}", process.log_tail());
    say::choice("Schema", format_args!("up to date in {database}"));
    Ok(())
}

/// The values of the binaries' settings.
struct Parts<'a> {
    services: &'a Services,
    topics: &'a Topics,
    database: &'a DatabaseUrl,
    page: Option<&'a Path>,
    addresses: Addresses,
}

impl Parts<'_> {
    fn program(&self, name: &str, path: &Path, admin: SocketAddr) -> Program {
        let program = Program::new(name, path, self.services.run().join(format!("{name}.log")))
            .inherit(self.services.environment())
            .env("DATABASE_URL", self.database.as_str())
            .env("ADMIN_ADDR", admin.to_string());
        match &self.services.redis {
            None => program,
            // A given Redis may have keys of the same names.
            Some(redis) => program
                .env("REDIS_URL", redis.url())
                .env("CACHE_KEY_PREFIX", format!("demo-{}:", std::process::id())),
        }
    }

    fn consumer(&self, path: &Path) -> Program {
        self.program("consumer", path, self.addresses.consumer_admin)
            .arg("run")
            .env("KAFKA_BROKERS", self.services.kafka.brokers())
            .env("KAFKA_GROUP_ID", format!("business-metrics-demo-{}", std::process::id()))
            .env("EVENTS_TOPIC", &self.topics.events)
            .env("WORKFLOW_TERMINALS_TOPIC", &self.topics.workflow_terminals)
            .env("MESSAGE_DELIVERIES_TOPIC", &self.topics.message_deliveries)
    }

    fn query_api(&self, path: &Path, secret: &Secret) -> Program {
        let program = self
            .program("query-api", path, self.addresses.api_admin)
            .env("LISTEN_ADDR", self.addresses.api.to_string())
            .env("JWT_HS256_SECRET", secret.as_str())
            // Nobody has to notice that it ends.
            .env("SHUTDOWN_DELAY", "0s");
        match self.page {
            Some(folder) => program.env("DASHBOARD_DIR", folder),
            None => program,
        }
    }
}
