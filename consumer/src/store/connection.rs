//! The connection: made when needed, made again after it failed, with patience.

use super::Error;
use super::statements::Statements;
use crate::record::topic_names::TopicNames;
use admin::Readiness;
use std::ops::AsyncFnMut;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A dead peer that says nothing is noticed within half a minute, whether it is asked something or not.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_RETRIES: u32 = 3;
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// A database under load may let a batch wait; one that never answers must be given up on.
const STATEMENT_TIMEOUT: &str = "60s";
/// Another member's batch holds a shared row for about a round trip; a hung one for longer.
const LOCK_TIMEOUT: &str = "20s";
/// What a member that hangs between two statements may hold others up.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "20s";
/// How long all of a batch's statements may take together, by this side's clock; the server's limits come first.
const BATCH_WAIT_MAX: Duration = Duration::from_secs(120);
/// The same for upkeep, which has many.
const BACKGROUND_WAIT_MAX: Duration = Duration::from_secs(3_600);
/// The name of the readiness condition.
pub const CONDITION: &str = "postgresql";

/// Where PostgreSQL is.
#[derive(Clone)]
pub struct Settings {
    /// From `DATABASE_URL`.
    pub config: Config,
    /// What the topics are called.
    pub topics: TopicNames,
}

/// An open connection with its statements.
pub struct Connection {
    pub(super) client: Client,
    pub(super) statements: Statements,
    pub(super) topics: TopicNames,
    /// Partitions of tables known to exist, by name.
    pub(super) tables: std::collections::HashSet<String>,
}

/// PostgreSQL, as long as it takes.
pub struct Store {
    settings: Settings,
    connection: Option<Connection>,
    patience: Duration,
    readiness: Option<Readiness>,
}

impl Store {
    /// The store counting depends on. It connects when it is first used, and says in `readiness` when it can't.
    #[must_use]
    pub fn new(settings: Settings, readiness: Readiness) -> Self {
        Self { settings, connection: None, patience: BATCH_WAIT_MAX, readiness: Some(readiness) }
    }

    /// A store for work that nobody waits for, which may take its time.
    #[must_use]
    pub fn in_the_background(settings: Settings) -> Self {
        Self { settings, connection: None, patience: BACKGROUND_WAIT_MAX, readiness: None }
    }

    /// Does `work`, however long PostgreSQL is away meanwhile: a failure is said in log and readiness, waited out and
    /// tried again on a new connection. So `work` must be right to do again.
    pub async fn until_done<T>(
        &mut self,
        what: &str,
        mut work: impl AsyncFnMut(&mut Connection) -> Result<T, Error>,
    ) -> T {
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.attempt(&mut work).await {
                Ok(done) => return done,
                Err(error) => {
                    self.say(what, &error, backoff);
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// Does `work` once. After a failure the connection is given up: its state is unknown.
    ///
    /// # Errors
    /// When PostgreSQL is away, a statement fails, or there is no end of it.
    pub async fn attempt<T>(
        &mut self,
        work: &mut impl AsyncFnMut(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let patience = self.patience;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let connection = none.insert(Connection::open(&self.settings).await?);
                if let Some(readiness) = &self.readiness {
                    readiness.good(CONDITION);
                }
                connection
            }
        };
        let done = tokio::time::timeout(patience, work(connection)).await;
        let done = done.unwrap_or(Err(Error::Timeout(patience)));
        if done.is_err() {
            self.connection = None;
        }
        done
    }

    /// Says that PostgreSQL failed, in log, readiness and metrics.
    pub fn say(&self, what: &str, error: &Error, again_in: Duration) {
        tracing::warn!(%error, ?again_in, "PostgreSQL failed: {what}; trying again");
        if let Some(readiness) = &self.readiness {
            readiness.bad(CONDITION, format!("{what}: {error}"));
        }
        metrics::counter!("consumer_postgresql_failures_total").increment(1);
    }
}

impl Connection {
    /// Connects, checks that the schema is there, and prepares.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or lacks migrations.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let client = connect(&settings.config).await?;
        let missing = migrations::missing(&client).await?;
        if !missing.is_empty() {
            return Err(Error::SchemaBehind(missing.join(", ")));
        }
        let statements = Statements::prepare(&client).await?;
        Ok(Self {
            client,
            statements,
            topics: settings.topics.clone(),
            tables: std::collections::HashSet::new(),
        })
    }
}

/// A client whose connection is driven by a task of its own, with the session's limits set.
///
/// # Errors
/// When PostgreSQL is away, refuses, or doesn't answer in time.
pub async fn connect(config: &Config) -> Result<Client, Error> {
    let mut config = config.clone();
    config.connect_timeout(CONNECT_TIMEOUT).tcp_user_timeout(UNACKNOWLEDGED_MAX);
    config.keepalives(true).keepalives_idle(KEEPALIVE_IDLE).keepalives_interval(KEEPALIVE_INTERVAL);
    config.keepalives_retries(KEEPALIVE_RETRIES);
    if config.get_application_name().is_none() {
        config.application_name("business-metrics-consumer");
    }
    let connecting = async {
        if config.get_ssl_mode() == SslMode::Require {
            let (client, connection) = config.connect(tls()?).await?;
            drive(connection);
            Ok::<_, Error>(client)
        } else {
            let (client, connection) = config.connect(NoTls).await?;
            drive(connection);
            Ok(client)
        }
    };
    let timeout = CONNECT_TIMEOUT * 2;
    let client = tokio::time::timeout(timeout, connecting).await.map_err(|_| Error::Timeout(timeout))??;
    // No plan is compiled: one over arrays looks costly enough for it, and takes less time to run than to compile.
    let limits = format!(
        "set timezone = 'UTC'; set jit = off; set statement_timeout = '{STATEMENT_TIMEOUT}'; \
         set lock_timeout = '{LOCK_TIMEOUT}'; \
         set idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_TIMEOUT}'"
    );
    client.batch_execute(&limits).await?;
    Ok(client)
}

/// The task that moves a connection's bytes; what ends it is also told to whoever waits for an answer.
fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
}

/// TLS, with the system's certificates (or `SSL_CERT_FILE`'s). Used where `sslmode` asks for it, and then certificate and
/// name must be right.
fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect, Error> {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Tls(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}
