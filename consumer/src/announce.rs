//! Announces changes to the query API: raises the versions of the organizations in Redis. The only module that knows Redis.
//!
//! Best effort, after the commit. A lost announcement costs freshness only: cached answers expire.

mod forgetting;
mod probe;

pub use probe::{RedisSeen, Unusable};

use crate::batch::texts::SomeTexts;
use crate::limits::{ANNOUNCE_FINISH_WAIT_MAX, ANNOUNCE_ROUND_WAIT_MAX};
use crate::measure::ANNOUNCEMENTS_LOST;
use crate::settings::BadSetting;
use admin::Readiness;
use domain::CacheKeys;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use shared_cache::Access;
use std::collections::HashSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use traces::{Origin, Traceparent};

/// Organizations that wait for Redis at most. With more, all are dropped, and their answers expire instead.
const WAITING_MAX: usize = 1_000_000;
/// Versions raised by one round trip.
const ROUND_KEYS_MAX: usize = 10_000;
/// How long it is known which batch has changed an organization last.
const NOTED_FOR: Duration = Duration::from_secs(600);
/// How long to wait after Redis failed.
const AWAY_WAIT: Duration = Duration::from_millis(500);

/// What readiness warns of, and under which name the log speaks of it.
const REDIS: &str = "redis";

/// Redis, and the names of its keys.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "announce")]
pub struct Settings {
    /// Where Redis is. Without it the query API shows changes when its cached answers expire.
    #[command(flatten)]
    pub redis: shared_cache::Settings,
    /// The prefix of every key of this system in Redis. The query API must have the same.
    #[arg(long, env = "CACHE_KEY_PREFIX", default_value = "")]
    pub cache_key_prefix: String,
}

impl Settings {
    /// What is wrong with the settings, in a sentence that names one.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        self.redis.wrong()
    }

    /// How Redis is reached, if it is to be used.
    ///
    /// # Errors
    /// When the settings can't be used: a sentence that names one.
    pub fn access(&self) -> Result<Option<Access>, BadSetting> {
        Access::new(&self.redis).map_err(|bad| BadSetting(bad.0))
    }

    /// A client of Redis, if it is to be used.
    ///
    /// # Errors
    /// The same.
    pub fn client(&self) -> Result<Option<redis::Client>, BadSetting> {
        Ok(self.access()?.map(|access| access.client().0))
    }
}

/// Collects organizations whose numbers have changed, and passes them to the task that talks to Redis.
pub struct Announcer {
    queue: Option<mpsc::Sender<Changed>>,
    task: Option<JoinHandle<()>>,
    waiting: Changed,
}

/// Organizations whose numbers have changed.
#[derive(Default)]
struct Changed {
    organizations: HashSet<String, foldhash::fast::RandomState>,
    /// The last batch that changed some of them, by its trace.
    batch: Origin,
}

impl Announcer {
    /// Starts announcing in a task of its own, if the settings name a Redis. `readiness` is told while that is away.
    ///
    /// # Errors
    /// When the settings can't be used: a sentence that names the setting.
    pub fn start(settings: &Settings, readiness: Readiness) -> Result<Self, BadSetting> {
        let Some(access) = settings.access()? else {
            return Ok(Self { queue: None, task: None, waiting: Changed::default() });
        };
        let keys = CacheKeys::new(settings.cache_key_prefix.clone());
        let (queue, changed) = mpsc::channel(1);
        let task = tokio::spawn(announce(Line { access, keys, readiness, connection: None }, changed));
        Ok(Self { queue: Some(queue), task: Some(task), waiting: Changed::default() })
    }

    /// Announces what is left before the process ends, if Redis takes it in time.
    pub async fn finish(self) {
        let Self { queue, task, waiting } = self;
        let rest = async {
            if let Some(queue) = queue.filter(|_| !waiting.organizations.is_empty()) {
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

    /// Takes organizations whose numbers this batch has changed, after the commit. Never waits: counting doesn't depend on Redis.
    pub fn changed(&mut self, organizations: &SomeTexts, batch: Origin) {
        if self.queue.is_none() || organizations.is_empty() {
            return;
        }
        for organization in organizations.iter() {
            if !self.waiting.organizations.contains(organization) {
                self.waiting.organizations.insert(organization.to_owned());
            }
        }
        self.waiting.batch = batch;
        self.pass_on();
    }

    /// Passes waiting organizations to the task, if it is free. Called regularly, so that the last change doesn't wait for
    /// the next one.
    pub fn pass_on(&mut self) {
        if self.waiting.organizations.is_empty() {
            return;
        }
        if let Some(Ok(room)) = self.queue.as_ref().map(mpsc::Sender::try_reserve) {
            room.send(std::mem::take(&mut self.waiting));
        } else if self.waiting.organizations.len() > WAITING_MAX {
            lost(self.waiting.organizations.len());
            self.waiting.organizations.clear();
        }
    }
}

fn lost(announcements: usize) {
    metrics::counter!(ANNOUNCEMENTS_LOST).increment(announcements as u64);
}

/// The connection to Redis, and whom to tell when there is none.
struct Line {
    access: Access,
    keys: CacheKeys,
    readiness: Readiness,
    connection: Option<ConnectionManager>,
}

async fn announce(mut line: Line, mut changed: mpsc::Receiver<Changed>) {
    // Connects at once, so that people learn at the start what is wrong.
    line.attempt(&[]).await;
    while let Some(Changed { organizations, batch }) = line.next_of(&mut changed).await {
        let organizations: Vec<String> = organizations.into_iter().collect();
        let span = batch.child("announce");
        span.count("business_metrics.organizations", organizations.len());
        for (done, round) in organizations.chunks(ROUND_KEYS_MAX).enumerate() {
            if line.attempt(round).await {
                line.note(round, &batch).await;
            } else {
                span.fail("redis");
                lost(organizations.len() - done * ROUND_KEYS_MAX);
                tokio::time::sleep(AWAY_WAIT).await;
                break;
            }
        }
    }
}

impl Line {
    /// The next changes. While Redis is away, it is tried again meanwhile, so that readiness warns no longer than it is so.
    async fn next_of(&mut self, changed: &mut mpsc::Receiver<Changed>) -> Option<Changed> {
        while self.connection.is_none() {
            if let Ok(next) = tokio::time::timeout(AWAY_WAIT, changed.recv()).await {
                return next;
            }
            self.attempt(&[]).await;
        }
        changed.recv().await
    }

    /// Raises the versions of these organizations, in time or not at all; whether that was done. People are told why not.
    async fn attempt(&mut self, organizations: &[String]) -> bool {
        let raised = tokio::time::timeout(ANNOUNCE_ROUND_WAIT_MAX, self.raise(organizations)).await;
        let why = match raised {
            Ok(Ok(())) => {
                self.readiness.unwarn(REDIS);
                return true;
            }
            Ok(Err(error)) => shared_cache::refused(&error).unwrap_or_else(|| error.to_string()),
            Err(_) => format!("no answer within {ANNOUNCE_ROUND_WAIT_MAX:?}"),
        };
        // The next one is made by what the settings' files have then.
        self.connection = None;
        tracing::warn!(target: REDIS, error = why, "Redis is away: cached answers stay until they expire");
        self.readiness.warn(REDIS, format!("away, so cached answers stay until they expire: {why}"));
        false
    }

    /// Raises the versions by one round trip.
    async fn raise(&mut self, organizations: &[String]) -> Result<(), redis::RedisError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                // Whoever calls this tries again soon enough.
                let once = ConnectionManagerConfig::new().set_number_of_retries(0);
                none.insert(self.access.client().0.get_connection_manager_with_config(once).await?)
            }
        };
        if organizations.is_empty() {
            return Ok(());
        }
        let mut pipe = redis::pipe();
        for organization in organizations {
            pipe.incr(self.keys.version(organization), 1).ignore();
        }
        pipe.query_async(connection).await
    }

    /// Notes beside these organizations' versions which batch has changed them, for traces of requests that load under these.
    /// Whatever becomes of it, the versions are raised.
    async fn note(&mut self, organizations: &[String], batch: &Origin) {
        let traceparent = batch.traceparent().filter(Traceparent::is_sampled);
        let (Some(connection), Some(traceparent)) = (&mut self.connection, traceparent) else { return };
        let (mut pipe, traceparent) = (redis::pipe(), traceparent.to_string());
        for organization in organizations {
            pipe.set_ex(self.keys.batch(organization), traceparent.as_str(), NOTED_FOR.as_secs()).ignore();
        }
        let noted = tokio::time::timeout(ANNOUNCE_ROUND_WAIT_MAX, pipe.query_async::<()>(connection)).await;
        let why = match noted {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {ANNOUNCE_ROUND_WAIT_MAX:?}"),
        };
        tracing::debug!(target: REDIS, error = why, "Redis does not take which batch has changed organizations");
    }
}
