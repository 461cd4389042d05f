//! Where an answer comes from that this process doesn't keep: from Redis, or else from a load.

use crate::answer::Answer;
use crate::cache::entry::Entry;
use crate::cache::frame;
use crate::cache::key::Key;
use crate::cache::loads::{self, Loads};
use crate::cache::shared::Shared;
use crate::cache::versions::Version;
use crate::request::rate_limit::RateLimit;
use crate::request::rates::{Admission, Rates};
use domain::CacheKeys;
use std::sync::Arc;
use std::time::{Duration, Instant};
use traces::Span;

/// Redis, if there is one, before PostgreSQL.
pub struct Source {
    keys: CacheKeys,
    shared: Option<Arc<Shared>>,
    loads: Loads,
    rate_limit: Arc<RateLimit>,
    /// How many KiB each organization may still write to Redis: what it writes expires after a TTL, so it keeps no more
    /// there than twice its share of a TTL, and usually its share.
    shares: Rates,
    times: Times,
}

/// For how long answers are kept.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// With a version.
    pub ttl: Duration,
    /// Without one.
    pub local_ttl: Duration,
}

impl Source {
    /// Answers from `shared` if there is one, where an organization has so many megabytes, and from `loads`, which are paid
    /// for with `rate_limit`.
    pub fn new(
        keys: CacheKeys,
        (shared, share_mb): (Option<Arc<Shared>>, u32),
        (loads, rate_limit): (Loads, Arc<RateLimit>),
        times: Times,
    ) -> Self {
        let shares = Rates::new(share_mb.saturating_mul(1024), 1, times.ttl);
        Self { keys, shared, loads, rate_limit, shares, times }
    }

    /// Redis, if there is one.
    pub fn shared(&self) -> Option<&Shared> {
        self.shared.as_deref()
    }

    /// The answer for `key` under `version`, loaded from so many rows. Without a version Redis is passed by: no request could
    /// find it there.
    ///
    /// # Errors
    /// When it has to be loaded, and the organization's rate is used up, or that fails.
    pub async fn fetch<E>(
        &self,
        key: &Key,
        version: Option<Version>,
        rows: u32,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, loads::Error<E>> {
        let (Some(shared), Some(version)) = (self.shared(), version) else {
            return self.load(key, self.times.local_ttl, rows, load).await;
        };
        let shared_key = key.shared(&self.keys, version);
        if let Some(entry) = self.shared_entry(shared, &shared_key).await {
            return Ok(entry);
        }
        let entry = self.load(key, self.times.ttl, rows, load).await?;
        self.share(shared, &key.organization, &shared_key, &entry).await;
        Ok(entry)
    }

    /// The answer for `key` under `version` that is kept in Redis.
    pub async fn kept(&self, key: &Key, version: Option<Version>) -> Option<Entry> {
        let (shared, version) = self.shared().zip(version)?;
        self.shared_entry(shared, &key.shared(&self.keys, version)).await
    }

    /// The answers for `keys` of one organization under `version`, loaded together, each from so many rows.
    ///
    /// # Errors
    /// When the organization's rate is used up, or that fails.
    pub async fn load_together<E>(
        &self,
        keys: &[(Key, u32)],
        version: Option<Version>,
        load: impl Future<Output = Result<Vec<Answer>, E>>,
    ) -> Result<Vec<Entry>, loads::Error<E>> {
        let Some((Key { organization, .. }, _)) = keys.first() else { return Ok(Vec::new()) };
        let rows: Vec<u32> = keys.iter().map(|(_, rows)| *rows).collect();
        if let Admission::Wait(wait) = self.rate_limit.admit_loads(organization, &rows, Instant::now()) {
            return Err(loads::Error::OverRate(wait));
        }
        let as_of = Instant::now();
        answers_from("postgresql").increment(keys.len() as u64);
        let answers = self.run(organization, load).await?;
        let shared = self.shared().zip(version);
        let ttl = if shared.is_some() { self.times.ttl } else { self.times.local_ttl };
        let entry = |answer| Entry::new(answer, as_of, ttl.saturating_sub(as_of.elapsed()), as_of + ttl);
        let entries: Vec<Entry> = answers.into_iter().map(entry).collect();
        if let Some((shared, version)) = shared {
            for ((key, _), entry) in keys.iter().zip(&entries) {
                self.share(shared, organization, &key.shared(&self.keys, version), entry).await;
            }
        }
        Ok(entries)
    }

    /// Keeps an answer in Redis, unless it is too long, or the organization's share is used up.
    async fn share(&self, shared: &Shared, organization: &str, key: &str, entry: &Entry) {
        let body = &entry.answer.body;
        let kilobytes = u32::try_from(body.len().div_ceil(1024)).unwrap_or(u32::MAX);
        let may = body.len() <= frame::BODY_BYTES_MAX
            && self.shares.take(organization, kilobytes, Instant::now()) == Admission::Granted;
        if may {
            shared.keep(key, &frame::wrap(key, body), entry.ttl).await;
        } else {
            metrics::counter!("query_api_kept_over_share_total").increment(1);
        }
    }

    async fn shared_entry(&self, shared: &Shared, key: &str) -> Option<Entry> {
        let lookup = traces::of_database("redis", "redis");
        let kept = shared.kept(key, frame::FRAME_BYTES_MAX).await;
        lookup.set("business_metrics.cache.hit", kept.is_some());
        drop(lookup);
        let (framed, left) = kept?;
        let body = frame::unwrap(key, &framed)
            .inspect_err(|refused| {
                metrics::counter!("query_api_kept_refused_total", "why" => refused.name()).increment(1);
            })
            .ok()?;
        let answer = Answer::new(body);
        answers_from("redis").increment(1);
        let age = self.times.ttl.saturating_sub(left);
        let as_of = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        let ttl = left.min(self.times.ttl);
        Some(Entry::new(answer, as_of, ttl, Instant::now() + ttl))
    }

    /// Loads. Where that is traced, its span is linked to the batch that changed the organization's numbers last.
    async fn run<T, E>(
        &self,
        organization: &Arc<str>,
        load: impl Future<Output = Result<T, E>>,
    ) -> Result<T, loads::Error<E>> {
        let span = traces::span("load");
        // Read before the rows are, as the version was.
        if let (true, Some(shared)) = (span.is_recording(), self.shared()) {
            shared.batch(organization).await.into_iter().for_each(|batch| span.link(batch));
        }
        let loaded = span.around(self.loads.run(organization, load)).await;
        if let Err(error) = &loaded {
            span.fail(error.name());
        }
        loaded
    }

    async fn load<E>(
        &self,
        key: &Key,
        ttl: Duration,
        rows: u32,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, loads::Error<E>> {
        if let Admission::Wait(wait) = self.rate_limit.admit_load(&key.organization, rows, Instant::now()) {
            return Err(loads::Error::OverRate(wait));
        }
        // Taken before the rows are read: an answer is as old as its rows.
        let as_of = Instant::now();
        answers_from("postgresql").increment(1);
        let answer = self.run(&key.organization, load).await?;
        Ok(Entry::new(answer, as_of, ttl.saturating_sub(as_of.elapsed()), as_of + ttl))
    }
}

/// Counts answers by where they came from: a finished response, this process, Redis, PostgreSQL (a miss), or the stale ones.
pub fn answers_from(source: &'static str) -> metrics::Counter {
    metrics::counter!("query_api_answers_total", "from" => source)
}

/// Ends the span of a look at what is kept in this process: so many answers were asked for, and so many were there.
pub fn looked_up(lookup: Span, asked: usize, hits: usize) {
    lookup.count("business_metrics.cache.asked", asked);
    lookup.count("business_metrics.cache.hits", hits);
}
