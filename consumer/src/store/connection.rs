//! A member's connection, and the store that keeps one open: it connects when it is first used, and again after a failure.

use super::Error;
use super::connect::connect;
use super::statements::Statements;
use crate::limits::BATCH_WAIT_MAX;
use crate::record::topic_names::TopicNames;
use admin::Readiness;
use std::collections::HashSet;
use std::ops::AsyncFnMut;
use std::time::Duration;
use tokio_postgres::{Client, Config};

const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// What [`BATCH_WAIT_MAX`] is to a batch, for a round of upkeep, which has many statements.
const BACKGROUND_WAIT_MAX: Duration = Duration::from_secs(3_600);
/// The readiness condition's name.
pub const CONDITION: &str = "postgresql";

/// A member's open connection: a client with a batch's statements prepared. One that failed is never used again.
pub struct Connection {
    pub(super) client: Client,
    pub(super) statements: Statements,
    pub(super) topics: TopicNames,
    /// Partitions of tables known to exist, by name.
    pub(super) tables: HashSet<String>,
}

/// PostgreSQL as a member uses it: work is done on one [`Connection`], which is replaced after each failure, until it
/// succeeds.
pub struct Store {
    config: Config,
    topics: TopicNames,
    connection: Option<Connection>,
    patience: Duration,
    readiness: Option<Readiness>,
}

impl Store {
    /// A store that counting depends on: `readiness` says when PostgreSQL fails.
    #[must_use]
    pub fn new(config: &Config, topics: &TopicNames, readiness: &Readiness) -> Self {
        let (config, topics, readiness) = (config.clone(), topics.clone(), Some(readiness.clone()));
        Self { config, topics, connection: None, patience: BATCH_WAIT_MAX, readiness }
    }

    /// A store for upkeep: no batch waits for it, so it has longer, and its failures don't make the member unready.
    #[must_use]
    pub fn in_the_background(config: &Config, topics: &TopicNames) -> Self {
        let (config, topics) = (config.clone(), topics.clone());
        Self { config, topics, connection: None, patience: BACKGROUND_WAIT_MAX, readiness: None }
    }

    /// Does `work`, and does it again on a new connection after each failure, until it succeeds. `work` must therefore be
    /// idempotent. Log and readiness name the failure.
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

    /// Does `work` once. A failed connection is dropped, since its state is unknown.
    ///
    /// # Errors
    /// When PostgreSQL is away, a statement fails, or the work takes too long.
    pub async fn attempt<T>(
        &mut self,
        work: &mut impl AsyncFnMut(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let patience = self.patience;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let connection = none.insert(Connection::open(&self.config, &self.topics).await?);
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

    /// Reports a failure of PostgreSQL in log, readiness and metrics.
    pub fn say(&self, what: &str, error: &Error, again_in: Duration) {
        tracing::warn!(%error, ?again_in, "PostgreSQL failed: {what}; trying again");
        if let Some(readiness) = &self.readiness {
            readiness.bad(CONDITION, format!("{what}: {error}"));
        }
        metrics::counter!("consumer_postgresql_failures_total").increment(1);
    }
}

impl Connection {
    /// Connects, checks that the schema is up to date, and prepares the statements.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or lacks migrations.
    async fn open(config: &Config, topics: &TopicNames) -> Result<Self, Error> {
        let client = connect(config).await?;
        let missing = migrations::missing(&client).await?;
        if !missing.is_empty() {
            return Err(Error::SchemaBehind(missing.join(", ")));
        }
        let statements = Statements::prepare(&client).await?;
        Ok(Self { client, statements, topics: topics.clone(), tables: HashSet::new() })
    }
}
