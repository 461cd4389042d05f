//! Announces changes to the query API: raises the versions of the organizations in Redis. The only module that knows Redis.
//!
//! Best effort, after the commit. A lost announcement costs freshness only: cached answers expire.

use crate::limits::{ANNOUNCE_FINISH_WAIT_MAX, ANNOUNCE_ROUND_WAIT_MAX};
use crate::measure::ANNOUNCEMENTS_LOST;
use domain::CacheKeys;
use redis::aio::ConnectionManager;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Organizations that wait for Redis at most. With more, all are dropped, and their answers expire instead.
const WAITING_MAX: usize = 1_000_000;
/// Versions raised by one round trip.
const ROUND_KEYS_MAX: usize = 10_000;
/// How long to wait after Redis failed.
const AWAY_WAIT: Duration = Duration::from_millis(500);

/// Redis, and the names of its keys.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "redis")]
pub struct Settings {
    /// Redis, as redis://host:port. Without it the query API shows changes when its cached answers expire.
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// The prefix of every key of this system in Redis. The query API must have the same.
    #[arg(long, env = "CACHE_KEY_PREFIX", default_value = "")]
    pub cache_key_prefix: String,
}

impl Settings {
    /// The client, if Redis is to be used.
    ///
    /// # Errors
    /// When the address is not one of Redis.
    pub fn client(&self) -> Result<Option<redis::Client>, redis::RedisError> {
        self.redis_url.as_deref().filter(|url| !url.is_empty()).map(redis::Client::open).transpose()
    }
}

/// Collects organizations whose numbers have changed, and passes them to the task that talks to Redis.
pub struct Announcer {
    queue: Option<mpsc::Sender<BTreeSet<String>>>,
    task: Option<JoinHandle<()>>,
    waiting: BTreeSet<String>,
}

impl Announcer {
    /// Starts announcing in a task of its own; without a client nothing is announced.
    #[must_use]
    pub fn start(client: Option<redis::Client>, keys: CacheKeys) -> Self {
        let Some(client) = client else {
            return Self { queue: None, task: None, waiting: BTreeSet::new() };
        };
        let (queue, changed) = mpsc::channel(1);
        let task = tokio::spawn(announce(client, keys, changed));
        Self { queue: Some(queue), task: Some(task), waiting: BTreeSet::new() }
    }

    /// Announces what is left before the process ends, if Redis takes it in time.
    pub async fn finish(self) {
        let Self { queue, task, waiting } = self;
        let rest = async {
            if let Some(queue) = queue.filter(|_| !waiting.is_empty()) {
                // The task ends only when the queue does.
                let _ = queue.send(waiting).await;
            }
            if let Some(task) = task {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(ANNOUNCE_FINISH_WAIT_MAX, rest).await.is_err() {
            tracing::warn!(
                "Redis did not take the last announcements: cached answers stay until they expire"
            );
        }
    }

    /// Takes organizations whose numbers have changed, after the commit. Never waits: counting doesn't depend on Redis.
    pub fn changed(&mut self, organizations: BTreeSet<String>) {
        if self.queue.is_some() {
            self.waiting.extend(organizations);
            self.pass_on();
        }
    }

    /// Passes waiting organizations to the task, if it is free. Called regularly, so that the last change doesn't wait for
    /// the next one.
    pub fn pass_on(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        if let Some(Ok(room)) = self.queue.as_ref().map(mpsc::Sender::try_reserve) {
            room.send(std::mem::take(&mut self.waiting));
        } else if self.waiting.len() > WAITING_MAX {
            lost(self.waiting.len());
            self.waiting.clear();
        }
    }
}

fn lost(announcements: usize) {
    metrics::counter!(ANNOUNCEMENTS_LOST).increment(announcements as u64);
}

async fn announce(client: redis::Client, keys: CacheKeys, mut changed: mpsc::Receiver<BTreeSet<String>>) {
    let mut connection = None;
    while let Some(organizations) = changed.recv().await {
        let organizations: Vec<String> = organizations.into_iter().collect();
        for (done, round) in organizations.chunks(ROUND_KEYS_MAX).enumerate() {
            let raised =
                tokio::time::timeout(ANNOUNCE_ROUND_WAIT_MAX, raise(&client, &mut connection, &keys, round))
                    .await;
            let failed = match raised {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no answer within {ANNOUNCE_ROUND_WAIT_MAX:?}"),
            };
            connection = None;
            lost(organizations.len() - done * ROUND_KEYS_MAX);
            tracing::warn!(error = failed, "Redis is away: cached answers stay until they expire");
            tokio::time::sleep(AWAY_WAIT).await;
            break;
        }
    }
}

/// Raises the versions by one round trip.
async fn raise(
    client: &redis::Client,
    connection: &mut Option<ConnectionManager>,
    keys: &CacheKeys,
    organizations: &[String],
) -> Result<(), redis::RedisError> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(client.get_connection_manager().await?),
    };
    let mut pipe = redis::pipe();
    for organization in organizations {
        pipe.incr(keys.version(organization), 1).ignore();
    }
    pipe.query_async(connection).await
}
