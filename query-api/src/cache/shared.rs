//! The cache that all instances share, and the organizations' versions: the one module that knows Redis.
//!
//! Redis is optional, so its trouble is never an error here: what can't be read is `None`, and a request that meets a
//! dead Redis makes all later ones pass it by, until [`Shared::watch`] finds it alive again.
//!
//! Versions are asked for on a connection of their own, on which Redis says when one that was asked for has changed
//! (`changes`). Where it can't, they are asked for each time.

use crate::cache::versions::{Version, Versions};
use bytes::Bytes;
use domain::CacheKeys;
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::{Client, Cmd, FromRedisValue, IntoConnectionInfo as _, ProtocolVersion, RedisError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

mod changes;

/// How often Redis is asked whether it is there.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// Where the shared cache is.
#[derive(clap::Args, Clone)]
#[group(skip)]
#[command(next_help_heading = "Redis (optional)")]
pub struct Settings {
    /// Redis, as `redis://user:password@host:port/db` (or `rediss://` for TLS); unset, answers are cached in this
    /// process only. Set it where several instances serve, or where answers must be fresh the moment records are
    /// counted
    #[arg(long, env, hide_env_values = true)]
    pub redis_url: Option<String>,

    /// How long a request waits for Redis before it goes on without. Raise it where Redis is far away
    #[arg(long, env, default_value = "250ms", value_parser = humantime::parse_duration)]
    pub redis_timeout: Duration,
}

/// Why `REDIS_URL` can't be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "REDIS_URL must be unset, or of the form redis://user:password@host:port/db (rediss:// for TLS): {0}"
)]
pub struct BadUrl(&'static str);

/// The shared cache.
pub struct Shared {
    keys: CacheKeys,
    connection: ConnectionManager,
    up: AtomicBool,
    /// For the connection on which changes are told.
    client: Client,
    timeout: Duration,
    telling: Mutex<Option<MultiplexedConnection>>,
    versions: Arc<Versions>,
    changed: Arc<Notify>,
}

impl Shared {
    /// The cache that the settings name, if any. Nothing is asked of it yet: it counts as away until a probe finds it.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn new(settings: &Settings, keys: CacheKeys) -> Result<Option<Self>, BadUrl> {
        let Some(url) = settings.redis_url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        // The error's text is left out: it may quote the URL, and that holds the password.
        let unreadable = |_: RedisError| BadUrl("it can't be read as one");
        let info = url.into_connection_info().map_err(unreadable)?;
        let telling = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let telling = Client::open(info.clone().set_redis_settings(telling)).map_err(unreadable)?;
        let client = Client::open(info).map_err(unreadable)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(settings.redis_timeout))
            .set_response_timeout(Some(settings.redis_timeout))
            // The watch asks again soon enough; a request must not wait for a series of attempts.
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(client, config)
            .map_err(|_| BadUrl("it names something this build can't reach"))?;
        Ok(Some(Self {
            keys,
            connection,
            up: AtomicBool::new(false),
            client: telling,
            timeout: settings.redis_timeout,
            telling: Mutex::default(),
            versions: Arc::default(),
            changed: Arc::default(),
        }))
    }

    /// Whether Redis answered when it was last asked.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The organization's version, known or asked for; `None` while Redis is away.
    pub async fn version(&self, organization: &str) -> Option<Version> {
        if let Some(known) = self.versions.get(organization, Instant::now()) {
            return Some(known);
        }
        // Boxed, so that who knows it doesn't carry room for asking.
        Box::pin(self.ask_version(organization)).await
    }

    async fn ask_version(&self, organization: &str) -> Option<Version> {
        if !self.is_up() {
            return None;
        }
        let get = redis::cmd("GET").arg(self.keys.version(organization)).to_owned();
        let Some(mut telling) = self.telling() else {
            let number: Option<u64> = self.ask(&get).await?;
            return Some(self.versions.unkept(number.unwrap_or(0)));
        };
        let ticket = self.versions.ask(organization);
        let number: Option<u64> = self.noted(get.query_async(&mut telling).await)?;
        Some(self.versions.told(organization, ticket, number.unwrap_or(0)))
    }

    /// What was kept at `key`, and for how long it still will be; `None` if nothing was or while Redis is away.
    pub async fn kept(&self, key: &str) -> Option<(Bytes, Duration)> {
        if !self.is_up() {
            return None;
        }
        // One round trip: the bytes and their age belong together.
        let mut both = redis::pipe();
        both.get(key).pttl(key);
        let answer = both.query_async::<(Option<Vec<u8>>, i64)>(&mut self.connection.clone()).await;
        let (bytes, left) = self.noted(answer)?;
        Some((bytes?.into(), Duration::from_millis(u64::try_from(left).ok()?)))
    }

    /// Keeps `body` at `key` for `ttl`, if it can.
    pub async fn keep(&self, key: &str, body: &Bytes, ttl: Duration) {
        let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let _kept: Option<()> = self.ask(redis::cmd("SET").arg(key).arg(&body[..]).arg("PX").arg(ttl)).await;
    }

    /// Looks whether Redis is there, and remembers.
    pub async fn probe(&self) -> bool {
        let answer = redis::cmd("PING").query_async::<()>(&mut self.connection.clone()).await;
        let up = answer.is_ok();
        if self.up.swap(up, Ordering::Relaxed) != up {
            match &answer {
                Ok(()) => tracing::info!("redis answers: answers are shared"),
                Err(error) => {
                    tracing::warn!(%error, "redis is away: answers are cached in this process only")
                }
            }
        }
        metrics::gauge!("query_api_redis_up").set(f64::from(u8::from(up)));
        up
    }

    /// Probes for ever, and tells `seen` each time.
    pub async fn watch(&self, seen: impl Fn(bool)) {
        let mut every = tokio::time::interval(WATCH_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            seen(self.probe().await);
        }
    }

    async fn ask<T: FromRedisValue>(&self, question: &Cmd) -> Option<T> {
        if !self.is_up() {
            return None;
        }
        let answer = question.query_async(&mut self.connection.clone()).await;
        self.noted(answer)
    }

    fn noted<T>(&self, answer: Result<T, RedisError>) -> Option<T> {
        answer.inspect_err(|error| self.note(error)).ok()
    }

    /// Only a Redis that doesn't answer is away. One that refuses a single command is still there.
    fn note(&self, error: &RedisError) {
        metrics::counter!("query_api_redis_errors_total").increment(1);
        let away = error.is_io_error() || error.is_timeout() || error.is_connection_dropped();
        if away && self.up.swap(false, Ordering::Relaxed) {
            metrics::gauge!("query_api_redis_up").set(0.0);
            tracing::warn!(%error, "redis is away: answers are cached in this process only");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(url: Option<&str>) -> Result<Option<Shared>, BadUrl> {
        let redis_url = url.map(str::to_owned);
        Shared::new(&Settings { redis_url, redis_timeout: Duration::from_millis(250) }, CacheKeys::default())
    }

    #[tokio::test]
    async fn redis_is_optional() {
        assert!(shared(None).unwrap().is_none());
        assert!(shared(Some("")).unwrap().is_none());
        assert!(shared(Some("redis://127.0.0.1:1")).unwrap().is_some());
    }

    #[tokio::test]
    async fn a_url_that_is_none_is_refused_without_being_quoted() {
        for url in ["127.0.0.1:6379", "http://:hunter2@cache", "redis://:hunter2@cache:port"] {
            let sentence = shared(Some(url)).err().unwrap().to_string();
            assert!(sentence.contains("REDIS_URL") && !sentence.contains("hunter2"), "{sentence}");
        }
    }

    #[tokio::test]
    async fn a_redis_that_is_away_is_passed_by() {
        // Nothing listens on port 1.
        let shared = shared(Some("redis://127.0.0.1:1")).unwrap().unwrap();
        assert!(!shared.probe().await);
        assert_eq!(shared.version("k").await, None);
        assert_eq!(shared.kept("k").await, None);
    }
}
