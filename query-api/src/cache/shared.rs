//! What all instances share: answers, the organizations' versions, and what they took of their rates. The one module that
//! knows Redis.
//!
//! ```text
//! shared      answers by key, and versions
//!   rates     what organizations took, added up
//!   health    whether Redis is reachable
//!   tracking  the connection on which Redis sends invalidations
//! ```
//!
//! Redis is optional, so its failures are no errors here: what can't be read is `None`. A request that finds Redis
//! unreachable makes all later ones pass it by, until [`Shared::watch`] reaches it again.
//!
//! Versions are read on the tracking connection. Where there is none, they are read again for every request.

mod health;
mod rates;
mod tracking;

use crate::cache::versions::Version;
use crate::request::rates::Taken;
use bytes::Bytes;
use domain::CacheKeys;
use health::Health;
use rates::Adding;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue};
use shared_cache::{Access, BadSetting};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use traces::Traceparent;
use tracking::Tracking;

/// How often Redis is probed.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// Where the shared cache is.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "Redis (optional)")]
pub struct Settings {
    /// Where it is. Without it answers are cached in this process only.
    #[command(flatten)]
    pub redis: shared_cache::Settings,

    /// How long a request waits for Redis before it goes on without. Raise it where Redis is far away
    #[arg(long, env, default_value = "250ms", value_parser = humantime::parse_duration)]
    pub redis_timeout: Duration,
}

/// The shared cache.
pub struct Shared {
    keys: CacheKeys,
    access: Access,
    timeout: Duration,
    /// Replaced when the settings' files have changed.
    connection: RwLock<ConnectionManager>,
    health: Health,
    tracking: Tracking,
    adding: Adding,
}

impl Shared {
    /// The cache that the settings name, if any. It counts as unreachable until the first probe.
    ///
    /// # Errors
    /// When the settings can't be used: a sentence that names one.
    pub fn new(settings: &Settings, keys: CacheKeys) -> Result<Option<Self>, BadSetting> {
        let Some(access) = Access::new(&settings.redis)? else { return Ok(None) };
        let timeout = settings.redis_timeout;
        let connection = connection(access.client().0, timeout)?;
        Ok(Some(Self {
            tracking: Tracking::new(access.clone(), timeout, keys.clone()),
            keys,
            access,
            timeout,
            connection: RwLock::new(connection),
            health: Health::default(),
            adding: Adding::new(),
        }))
    }

    /// The organization's version, if it is known without asking.
    pub fn known_version(&self, organization: &str) -> Option<Version> {
        self.tracking.versions().get(organization, Instant::now())
    }

    /// The organization's version, known or read; `None` while Redis is unreachable.
    pub async fn version(&self, organization: &str) -> Option<Version> {
        if let Some(known) = self.known_version(organization) {
            return Some(known);
        }
        // Boxed, so that the future for a known version stays small.
        Box::pin(self.read_version(organization)).await
    }

    async fn read_version(&self, organization: &str) -> Option<Version> {
        if !self.health.is_up() {
            return None;
        }
        let versions = self.tracking.versions();
        let get = redis::cmd("GET").arg(self.keys.version(organization)).to_owned();
        let Some(mut tracked) = self.tracking.connection() else {
            let number: Option<u64> = self.query(&get).await?;
            return Some(versions.untracked(number.unwrap_or(0)));
        };
        let ticket = versions.begin_read(organization);
        let number: Option<u64> = self.health.checked(get.query_async(&mut tracked).await)?;
        Some(versions.end_read(organization, ticket, number.unwrap_or(0)))
    }

    /// Raises the organization's version, after a change that its answers must show; whether Redis has confirmed that.
    pub async fn raise_version(&self, organization: &str) -> bool {
        let raise = redis::cmd("INCR").arg(self.keys.version(organization)).to_owned();
        let raised: Option<u64> = self.query(&raise).await;
        // Redis's own invalidation may come after the reply.
        self.tracking.versions().invalidate(organization);
        raised.is_some()
    }

    /// The bytes at `key`, and how long they will still be kept; `None` if there are none or Redis is unreachable. Of more
    /// than `bytes_max` bytes one too many is read, and no more.
    pub async fn kept(&self, key: &str, bytes_max: usize) -> Option<(Bytes, Duration)> {
        if !self.health.is_up() {
            return None;
        }
        // One round trip: the bytes and their age belong together.
        let mut both = redis::pipe();
        both.getrange(key, 0, isize::try_from(bytes_max).ok()?).pttl(key);
        let reply = both.query_async::<(Vec<u8>, i64)>(&mut self.connection()).await;
        let (bytes, left) = self.health.checked(reply)?;
        Some((bytes.into(), Duration::from_millis(u64::try_from(left).ok()?)))
    }

    /// Keeps `body` at `key` for `ttl`, if Redis is reachable.
    pub async fn keep(&self, key: &str, body: &Bytes, ttl: Duration) {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let _kept: Option<()> =
            self.query(redis::cmd("SET").arg(key).arg(&body[..]).arg("PX").arg(ttl)).await;
    }

    /// The batch that changed the organization's numbers last, by the span that the consumer has noted, if it has.
    pub async fn batch(&self, organization: &str) -> Option<Traceparent> {
        let noted: Option<Vec<u8>> = self.query(redis::cmd("GET").arg(self.keys.batch(organization))).await?;
        Traceparent::parse(&noted?)
    }

    /// Adds what organizations took of their rates, and returns how far ahead of now the theoretical arrival time of each is
    /// then, over all instances; `None` while Redis is unreachable, or if it refuses. Then it isn't known whether it was added.
    pub async fn add_taken(&self, taken: &[Taken]) -> Option<Vec<Duration>> {
        if !self.health.is_up() {
            return None;
        }
        let added = self.adding.add(taken, &self.keys, self.connection()).await;
        self.health.checked(added)
    }

    /// Finds out whether Redis is reachable. Where it isn't, the next probe is made by what the settings' files have then.
    pub async fn probe(&self) -> bool {
        let reply = redis::cmd("PING").query_async::<()>(&mut self.connection()).await;
        let is_up = self.health.set(&reply);
        if !is_up {
            self.read_again();
        }
        is_up
    }

    /// The certificate that was refused when Redis was last asked, if one was: a sentence that says what to do.
    pub fn refused(&self) -> Option<String> {
        self.health.refused()
    }

    fn read_again(&self) {
        let (client, is_changed) = self.access.client();
        if let Some(Ok(changed)) = is_changed.then(|| connection(client, self.timeout)) {
            *self.connection.write().unwrap_or_else(PoisonError::into_inner) = changed;
        }
    }

    /// A handle of the connection; it connects by itself.
    fn connection(&self) -> ConnectionManager {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Probes for ever, and calls `seen` with each outcome.
    pub async fn watch(&self, seen: impl Fn(bool)) {
        let mut every = tokio::time::interval(WATCH_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            seen(self.probe().await);
        }
    }

    /// Receives invalidations, for ever.
    pub async fn track(&self) {
        self.tracking.run().await;
    }

    /// Resolves once some version may have changed since it last resolved.
    pub async fn changed(&self) {
        self.tracking.changed().await;
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        if !self.health.is_up() {
            return None;
        }
        let reply = command.query_async(&mut self.connection()).await;
        self.health.checked(reply)
    }
}

/// A connection that is made when it is first used.
fn connection(client: Client, timeout: Duration) -> Result<ConnectionManager, BadSetting> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(Some(timeout))
        // The watch tries again soon enough; a request must not wait for several attempts.
        .set_number_of_retries(0);
    let connection = ConnectionManager::new_lazy_with_config(client, config);
    connection.map_err(|_| BadSetting("this build can't connect to such an address as REDIS_URL has".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(url: Option<&str>) -> Result<Option<Shared>, BadSetting> {
        let redis = url.map_or_else(shared_cache::Settings::default, shared_cache::Settings::of_url);
        Shared::new(&Settings { redis, redis_timeout: Duration::from_millis(250) }, CacheKeys::default())
    }

    #[tokio::test]
    async fn redis_is_optional() {
        assert!(shared(None).unwrap().is_none());
        assert!(shared(Some("")).unwrap().is_none());
        assert!(shared(Some("redis://127.0.0.1:1")).unwrap().is_some());
    }

    #[tokio::test]
    async fn a_bad_url_is_refused_without_being_quoted() {
        for url in ["127.0.0.1:6379", "http://:hunter2@cache", "redis://:hunter2@cache:port"] {
            let sentence = shared(Some(url)).err().unwrap().to_string();
            assert!(sentence.contains("REDIS_URL") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[tokio::test]
    async fn an_unreachable_redis_is_passed_by() {
        // Nothing listens on port 1.
        let shared = shared(Some("redis://127.0.0.1:1")).unwrap().unwrap();
        assert!(!shared.probe().await);
        assert_eq!(shared.version("k").await, None);
        assert_eq!(shared.kept("k", 1).await, None);
    }
}
