//! Where an answer comes from that this process doesn't keep: from Redis, or else from a load.

use crate::answer::Answer;
use crate::cache::entry::Entry;
use crate::cache::key::Key;
use crate::cache::loads::{self, Loads};
use crate::cache::shared::Shared;
use crate::cache::versions::Version;
use domain::CacheKeys;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Redis, if there is one, before PostgreSQL.
pub struct Source {
    keys: CacheKeys,
    shared: Option<Arc<Shared>>,
    loads: Loads,
    ttl: Duration,
    /// The TTL of an answer without a version.
    local_ttl: Duration,
}

impl Source {
    /// Answers from `shared` if there is one, and from `loads`.
    pub const fn new(
        keys: CacheKeys,
        shared: Option<Arc<Shared>>,
        loads: Loads,
        [ttl, local_ttl]: [Duration; 2],
    ) -> Self {
        Self { keys, shared, loads, ttl, local_ttl }
    }

    /// Redis, if there is one.
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }

    /// The loads.
    pub const fn loads(&self) -> &Loads {
        &self.loads
    }

    /// The answer for `key` under `version`. Without a version Redis is passed by: no request could find it there.
    ///
    /// # Errors
    /// When it has to be loaded, and that fails.
    pub async fn fetch<E>(
        &self,
        key: &Key,
        version: Option<Version>,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, loads::Error<E>> {
        let (Some(shared), Some(version)) = (self.shared(), version) else {
            return self.load(key, self.local_ttl, load).await;
        };
        let shared_key = key.shared(&self.keys, version);
        if let Some(entry) = self.shared_entry(shared, &shared_key).await {
            return Ok(entry);
        }
        let entry = self.load(key, self.ttl, load).await?;
        shared.keep(&shared_key, &entry.answer.body, entry.ttl).await;
        Ok(entry)
    }

    async fn shared_entry(&self, shared: &Shared, key: &str) -> Option<Entry> {
        let (body, left) = shared.kept(key).await?;
        let answer = Answer::kept(body)?;
        answers_from("redis").increment(1);
        let age = self.ttl.saturating_sub(left);
        let as_of = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        let ttl = left.min(self.ttl);
        Some(Entry { answer, as_of, ttl, fresh_until: Instant::now() + ttl })
    }

    async fn load<E>(
        &self,
        key: &Key,
        ttl: Duration,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, loads::Error<E>> {
        // Taken before the rows are read: an answer is as old as its rows.
        let as_of = Instant::now();
        answers_from("postgresql").increment(1);
        let answer = self.loads.run(&key.organization, load).await?;
        Ok(Entry { answer, as_of, ttl: ttl.saturating_sub(as_of.elapsed()), fresh_until: as_of + ttl })
    }
}

/// Counts answers by where they came from: a finished response, this process, Redis, PostgreSQL (a miss), or the stale ones.
pub fn answers_from(source: &'static str) -> metrics::Counter {
    metrics::counter!("query_api_answers_total", "from" => source)
}
