//! A member's connection, and the store that keeps one open: it connects when it is first used, and again after a failure.

use super::Error;
use super::activity::Activity;
use super::cluster::{IS_CLUSTER, Promises};
use super::connect::Server;
use super::remedy::with_remedy;
use super::statements::Statements;
use crate::clock::{Clock, Question};
use crate::limits::{BATCH_WAIT_MAX, OPENING_WAIT_MAX};
use crate::measure::POSTGRESQL_FAILURES;
use crate::record::topic_names::TopicNames;
use crate::settings::BadSetting;
use admin::Readiness;
use std::collections::HashSet;
use std::ops::AsyncFnMut;
use std::time::Duration;
use tokio_postgres::Client;

const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// What [`BATCH_WAIT_MAX`] is to a batch, for a task of upkeep, which has many statements.
const BACKGROUND_WAIT_MAX: Duration = Duration::from_secs(600);
/// The readiness condition's name.
pub(super) const CONDITION: &str = "postgresql";
/// What people call waiting for the first connection.
const CONNECTING: &str = "connecting";
/// The cause until something has succeeded.
const START: &str = "start";
/// The cause while reading and writing reach different servers.
const SAME_SERVER: &str = "same server";

/// PostgreSQL has not been asked for anything yet.
pub fn describe(readiness: &Readiness) {
    readiness.blame(CONDITION, START, "not connected yet");
}

/// A member's open connection: a client with a batch's statements prepared. One that failed is never used again.
pub struct Connection {
    pub(super) client: Client,
    pub(super) statements: Statements,
    pub(super) topics: TopicNames,
    pub(super) clock: Clock,
    /// Partitions of tables known to exist, by name.
    pub(super) tables: HashSet<String>,
    /// Whether the database is a cluster's.
    pub(super) is_cluster: bool,
    /// What commits have attained and the next ones write; only used on a cluster.
    pub(super) promises: Promises,
}

/// PostgreSQL as a member uses it: work is done on one [`Connection`], which is replaced after each failure, until it
/// succeeds.
pub struct Store {
    access: Access,
    connection: Option<Connection>,
    patience: Duration,
    people: Option<People>,
}

/// How a member's stores reach PostgreSQL, and whom they tell about it.
#[derive(Clone)]
pub struct Access {
    /// Where PostgreSQL is.
    pub server: Server,
    /// The topics' names.
    pub topics: TopicNames,
    /// The database's clock, read with each connection and each batch.
    pub clock: Clock,
    /// Told about failures.
    pub readiness: Readiness,
    /// Told what is under way.
    pub activity: Activity,
}

/// Whom a store tells about failures, and what of it they see.
struct People {
    /// The connection's name among a member's.
    connection: &'static str,
    readiness: Readiness,
    activity: Activity,
}

impl Store {
    /// A store that counting depends on: readiness says when PostgreSQL fails. `connection` tells it from the member's other
    /// ones.
    #[must_use]
    pub fn new(access: &Access, connection: &'static str) -> Self {
        let (readiness, activity) = (access.readiness.clone(), access.activity.clone());
        let people = Some(People { connection, readiness, activity });
        Self { access: access.clone(), connection: None, patience: BATCH_WAIT_MAX, people }
    }

    /// A store for upkeep: no batch waits for it, so it has longer, and its failures don't make the member unready.
    #[must_use]
    pub fn in_the_background(access: &Access) -> Self {
        Self { access: access.clone(), connection: None, patience: BACKGROUND_WAIT_MAX, people: None }
    }

    /// Does `work`, and does it again on a new connection after each failure, until it succeeds. `work` must therefore be
    /// idempotent. Log and readiness name the failure.
    pub async fn until_done<T>(
        &mut self,
        what: &'static str,
        mut work: impl AsyncFnMut(&mut Connection) -> Result<T, Error>,
    ) -> T {
        let mut backoff = Backoff::default();
        loop {
            match self.attempt(what, &mut work).await {
                Ok(done) => return done,
                Err(error) => {
                    self.wait(&mut backoff, what, &error).await;
                }
            }
        }
    }

    /// Waits for PostgreSQL.
    ///
    /// # Errors
    /// When the database can't be used, which waiting doesn't change: a sentence that says what to do.
    pub async fn until_connected(&mut self) -> Result<(), BadSetting> {
        let (mut backoff, mut look) = (Backoff::default(), async |_: &mut Connection| Ok(()));
        loop {
            match self.attempt(CONNECTING, &mut look).await {
                Ok(()) => return Ok(()),
                Err(Error::Unusable(why)) => return Err(BadSetting(why)),
                Err(error) => self.wait(&mut backoff, CONNECTING, &error).await,
            }
        }
    }

    /// Does `work` once. A failed connection is dropped, since its state is unknown. A failure stays in readiness until the
    /// same work succeeds: that other statements do says nothing about it.
    ///
    /// # Errors
    /// When PostgreSQL is away, a statement fails, or the work takes too long.
    pub async fn attempt<T>(
        &mut self,
        what: &'static str,
        work: &mut impl AsyncFnMut(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(People { connection, activity, .. }) = &self.people {
            activity.begin(connection, what);
        }
        let done = self.attempt_in_time(work).await;
        if done.is_err() {
            self.connection = None;
        } else if let Some(people) = &self.people {
            people.activity.end(people.connection, what);
            people.readiness.clear(CONDITION, START);
            people.readiness.clear(CONDITION, &people.cause(what));
        }
        done
    }

    async fn attempt_in_time<T>(
        &mut self,
        work: &mut impl AsyncFnMut(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let patience = self.patience;
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let opened = tokio::time::timeout(OPENING_WAIT_MAX, Connection::open(&self.access)).await;
                none.insert(opened.unwrap_or(Err(Error::Timeout(OPENING_WAIT_MAX)))?)
            }
        };
        let done = tokio::time::timeout(patience, work(connection)).await;
        done.unwrap_or(Err(Error::Timeout(patience)))
    }

    /// Connects anew before the next work: the server reached so far may not be the primary any more.
    pub fn reconnect(&mut self) {
        self.connection = None;
    }

    /// Reports whether reading and writing reach the same server.
    pub fn same_server(&self, is_same: bool) {
        let Some(People { readiness, .. }) = &self.people else { return };
        if is_same {
            readiness.clear(CONDITION, SAME_SERVER);
        } else {
            let why = "claims made by the reading connection are not found by the writing one: DATABASE_URL leads to different \
                       servers; let it lead to one primary, and shut the other one down";
            tracing::warn!(target: "postgresql", why, "reading and writing reach different servers");
            readiness.blame(CONDITION, SAME_SERVER, why);
        }
    }

    /// Reports a failure, and waits before the next try.
    pub async fn wait(&self, backoff: &mut Backoff, what: &'static str, error: &Error) {
        let again_in = backoff.pause();
        self.say(what, error, again_in);
        tokio::time::sleep(again_in).await;
    }

    /// Reports a failure of PostgreSQL in log, readiness and metrics.
    pub fn say(&self, what: &'static str, error: &Error, again_in: Duration) {
        let why = with_remedy(error);
        tracing::warn!(target: "postgresql", doing = what, error = why, ?again_in, "PostgreSQL failed; trying again");
        if let Some(people) = &self.people {
            people.activity.failed(people.connection, what, &why);
            people.readiness.blame(CONDITION, &people.cause(what), format!("{what}: {why}"));
        }
        metrics::counter!(POSTGRESQL_FAILURES).increment(1);
    }
}

impl People {
    fn cause(&self, what: &str) -> String {
        format!("{}: {what}", self.connection)
    }
}

/// The pauses between tries: each is twice as long as the one before, up to a limit.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure.
    pub fn pause(&mut self) -> Duration {
        let pause = BACKOFF_MIN.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        pause
    }
}

impl Connection {
    /// Connects, checks that the schema is up to date, and prepares the statements.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, can't be used, or lacks migrations.
    async fn open(Access { server, topics, clock, .. }: &Access) -> Result<Self, Error> {
        let client = server.connect().await?;
        if let Some(why) = migrations::unusable(&client).await? {
            return Err(Error::Unusable(why));
        }
        let missing = migrations::missing(&client).await?;
        if !missing.is_empty() {
            return Err(Error::SchemaBehind(missing.join(", ")));
        }
        let is_cluster = client.query_one(&format!("select {IS_CLUSTER}"), &[]).await?.get(0);
        let statements = Statements::prepare(&client, is_cluster).await?;
        let (topics, clock) = (topics.clone(), clock.clone());
        let (tables, promises) = (HashSet::new(), Promises::default());
        let mut connection = Self { client, statements, topics, clock, tables, is_cluster, promises };
        connection.read_clock().await?;
        Ok(connection)
    }

    /// Reads the database's clock, by which the first records are decided.
    async fn read_clock(&mut self) -> Result<(), Error> {
        let question = Question::ask();
        let shown = self.client.query_one("select clock_timestamp()", &[]).await?.get(0);
        self.clock.take(question.answer(shown));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_seconds() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..8).map(|_| backoff.pause().as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
    }
}
