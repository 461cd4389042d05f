//! Answers, kept for a while. Every concurrent question of one kind loads once.
//!
//! With Redis there, answers are filed under the organization's version, which is read **before** the rows: whatever
//! is loaded across a commit of the consumer is filed under a version nobody asks for again. So an answer may be kept
//! for long, in this process as well as in Redis, and is out of use the moment the organization's numbers change.
//!
//! While Redis is away nobody can say whether an answer is still right, so it is kept for [`Settings::local_cache_ttl`]
//! only, in this process.

use crate::answer::{Answer, Scope};
use crate::shared::Shared;
use bytes::Bytes;
use domain::CacheKeys;
use moka::Expiry;
use moka::future::Cache as Memory;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an entry takes beside its key and body.
const ENTRY_OVERHEAD_BYTES: usize = 256;

/// How answers are kept.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Cache")]
pub struct Settings {
    /// Put before every cache key; the consumer must have the same. Set it where several systems share one Redis
    #[arg(long, env, default_value = "")]
    pub cache_key_prefix: String,

    /// How long an answer is kept, in seconds. It bounds how old an answer can get when a consumer dies between its
    /// commit and its announcement; lower it if that is too old
    #[arg(long, env, default_value_t = 45, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub business_metrics_cache_ttl_sec: u32,

    /// How long an answer is kept while there is no Redis, or it is away. Raise it to spare the database, at the price
    /// of as much freshness
    #[arg(long, env, default_value = "1s", value_parser = humantime::parse_duration)]
    pub local_cache_ttl: Duration,

    /// How many megabytes of answers this process keeps. Raise it when many organizations look at many ranges and the
    /// cache's hit rate is low
    #[arg(long, env, default_value_t = 64)]
    pub local_cache_mb: u32,
}

/// What is asked, canonically.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// On whose behalf.
    pub organization: &'a str,
    /// Which answer.
    pub scope: Scope,
    /// About which range: its key.
    pub range: &'a str,
}

#[derive(Clone)]
struct Entry {
    answer: Answer,
    keep: Duration,
}

struct KeepAsLongAsSaid;

impl Expiry<String, Entry> for KeepAsLongAsSaid {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.keep)
    }
}

/// Where answers are kept.
pub struct Cache {
    keys: CacheKeys,
    ttl: Duration,
    local_ttl: Duration,
    shared: Option<Arc<Shared>>,
    /// By key with version: right for as long as anybody asks for them.
    versioned: Memory<String, Entry>,
    /// Of times without Redis: nobody knows whether they are still right. A store of its own, so that such an answer is
    /// never taken for one of version 0. Both are full only around an outage, for as long as answers are kept.
    unversioned: Memory<String, Entry>,
}

impl Cache {
    /// An empty cache, before `shared` if there is one.
    #[must_use]
    pub fn new(settings: &Settings, shared: Option<Arc<Shared>>) -> Self {
        Self {
            keys: CacheKeys::new(&settings.cache_key_prefix),
            ttl: Duration::from_secs(settings.business_metrics_cache_ttl_sec.into()),
            local_ttl: settings.local_cache_ttl,
            shared,
            versioned: memory(settings.local_cache_mb),
            unversioned: memory(settings.local_cache_mb),
        }
    }

    /// The answer to `question`: kept, or made by `load` now.
    ///
    /// # Errors
    /// What `load` fails with; all who wait for the same load get it, and it is not kept.
    pub async fn get_or_load<E: Send + Sync + 'static>(
        &self,
        question: Question<'_>,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Answer, Arc<E>> {
        let shared = self.shared.as_deref();
        let version = match shared {
            Some(shared) => shared.number(&self.keys.version(question.organization)).await,
            None => None,
        };
        let key = self.keys.answer(
            question.organization,
            question.scope.name(),
            version.unwrap_or(0),
            question.range,
        );
        let entry = match (shared, version) {
            (Some(shared), Some(_)) => {
                let through = self.load_through(shared, &key, load);
                self.versioned.entry_by_ref(&key).or_try_insert_with(through).await?
            }
            (_, _) => {
                let keep = self.local_ttl;
                let directly = async move { loaded(load).await.map(|answer| Entry { answer, keep }) };
                self.unversioned.entry_by_ref(&key).or_try_insert_with(directly).await?
            }
        };
        if !entry.is_fresh() {
            count("process");
        }
        Ok(entry.into_value().answer)
    }

    /// What Redis keeps, or else what `load` makes, which Redis keeps from then on.
    async fn load_through<E>(
        &self,
        shared: &Shared,
        key: &str,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, E> {
        if let Some((body, left)) = shared.kept(key).await {
            count("redis");
            return Ok(Entry { answer: Answer::new(body), keep: left.min(self.ttl) });
        }
        // From before the rows are read: an answer's age is that of what it rests on.
        let begun = Instant::now();
        let answer = loaded(load).await?;
        let keep = self.ttl.saturating_sub(begun.elapsed());
        shared.keep(key, &answer.body, keep).await;
        Ok(Entry { answer, keep })
    }
}

async fn loaded<E>(load: impl Future<Output = Result<Answer, E>>) -> Result<Answer, E> {
    count("postgresql");
    load.await
}

/// Where an answer came from: this process, Redis, or PostgreSQL (a miss).
fn count(from: &'static str) {
    metrics::counter!("query_api_answers_total", "from" => from).increment(1);
}

fn memory(megabytes: u32) -> Memory<String, Entry> {
    let weight = |key: &String, entry: &Entry| {
        let bytes = key.len() + Bytes::len(&entry.answer.body) + ENTRY_OVERHEAD_BYTES;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    };
    Memory::builder()
        .max_capacity(u64::from(megabytes) * 1024 * 1024)
        .weigher(weight)
        .expire_after(KeepAsLongAsSaid)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn cache(local_cache_ttl: Duration) -> Cache {
        let settings = Settings {
            cache_key_prefix: String::new(),
            business_metrics_cache_ttl_sec: 45,
            local_cache_ttl,
            local_cache_mb: 1,
        };
        Cache::new(&settings, None)
    }

    fn question<'a>(organization: &'a str, range: &'a str) -> Question<'a> {
        Question { organization, scope: Scope::Summary, range }
    }

    async fn ask(cache: &Cache, question: Question<'_>, loads: &AtomicUsize) -> String {
        let load = async {
            tokio::task::yield_now().await;
            let n = loads.fetch_add(1, Ordering::Relaxed) + 1;
            Ok::<_, String>(Answer::new(format!("{n}")))
        };
        let answer = cache.get_or_load(question, load).await.unwrap();
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn questions_at_once_load_once() {
        let (cache, loads) = (cache(Duration::from_secs(60)), AtomicUsize::new(0));
        let both = tokio::join!(
            ask(&cache, question("acme", "r"), &loads),
            ask(&cache, question("acme", "r"), &loads)
        );
        assert_eq!(both, ("1".into(), "1".into()));
        assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
        assert_eq!(ask(&cache, question("acme", "s"), &loads).await, "2");
        assert_eq!(ask(&cache, question("other", "r"), &loads).await, "3");
    }

    #[tokio::test]
    async fn an_answer_past_its_time_is_not_given() {
        let (cache, loads) = (cache(Duration::ZERO), AtomicUsize::new(0));
        assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
        assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "2");
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let (cache, loads) = (cache(Duration::from_secs(60)), AtomicUsize::new(0));
        let failed = cache.get_or_load(question("acme", "r"), async { Err("away".to_owned()) }).await;
        assert_eq!(*failed.unwrap_err(), "away");
        assert_eq!(ask(&cache, question("acme", "r"), &loads).await, "1");
    }
}
