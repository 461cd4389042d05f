//! Answers, kept for a while. Every concurrent question of one kind loads once.
//!
//! With Redis there, answers are filed under the organization's version, which is read **before** the rows: whatever
//! is loaded across a commit of the consumer is filed under a version nobody asks for again. So an answer may be kept
//! for long, in this process as well as in Redis, and is out of use the moment the organization's numbers change.
//!
//! While Redis is away nobody can say whether an answer is still right, so it is kept for [`Settings::local_cache_ttl`]
//! only, in this process.
//!
//! When rows can't be had, or not soon, the last answer to the same question is given and said to be stale ([`Given`]),
//! for as long as [`Settings::stale_max_age`] allows. How many loads there are at once, and for how long, is `loads`'.

pub mod loads;
pub mod places;
pub mod shared;
pub mod versions;

use crate::answer::Answer;
use crate::request::scope::Scope;
use bytes::Bytes;
use domain::CacheKeys;
use loads::Loads;
use moka::Expiry;
use moka::future::Cache as Memory;
use shared::Shared;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};
use versions::Version;

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

    /// How many megabytes of answers this process keeps, and as many of last answers for when the database is away.
    /// Raise it when many organizations look at many ranges and the cache's hit rate is low
    #[arg(long, env, default_value_t = 64)]
    pub local_cache_mb: u32,

    /// How old an answer may get that is given, marked as stale, while the database is slow or away; after that it is
    /// 503. Lower it where no number is better than an old one; 0s gives none
    #[arg(long, env, default_value = "10m", value_parser = humantime::parse_duration)]
    pub stale_max_age: Duration,

    /// How long a request waits for the database before it is given a stale answer, if there is one. Raise it where
    /// fresh numbers are worth waiting for
    #[arg(long, env, default_value = "1s", value_parser = humantime::parse_duration)]
    pub stale_after: Duration,
}

impl Settings {
    /// How the cache's keys are spelled.
    #[must_use]
    pub fn keys(&self) -> CacheKeys {
        CacheKeys::new(&self.cache_key_prefix)
    }
}

/// What is asked, canonically.
#[derive(Clone, Debug)]
pub struct Question {
    /// On whose behalf.
    pub organization: Arc<str>,
    /// Which answer.
    pub scope: Scope,
    /// About which range: its key.
    pub range: String,
}

impl fmt::Display for Question {
    /// Reads unambiguously from the right, whatever colons an organization's id has: a range has a fixed number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.organization, self.scope.name(), self.range)
    }
}

/// What is given for an answer.
#[derive(Clone, Debug)]
pub enum Given {
    /// As right as is known.
    Fresh(Answer),
    /// The last one there was, for want of a better: as its rows were so long ago.
    Stale(Answer, Duration),
}

#[derive(Clone)]
struct Entry {
    answer: Answer,
    /// When the rows it rests on were read, or later.
    as_of: Instant,
    keep: Duration,
}

struct KeepAsLongAsSaid;

impl Expiry<String, Entry> for KeepAsLongAsSaid {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.keep)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.keep)
    }
}

/// Where answers are kept.
pub struct Cache {
    keys: CacheKeys,
    ttl: Duration,
    local_ttl: Duration,
    stale_max_age: Duration,
    stale_after: Duration,
    shared: Option<Arc<Shared>>,
    loads: Loads,
    /// By version and question: right for as long as anybody asks for that version. Of times without Redis there is no
    /// version, and it can't be known for how long they are right.
    kept: Memory<String, Entry>,
    /// By question: the newest of each.
    last: Memory<String, Entry>,
    /// Kept at hand: every hit counts.
    hits: metrics::Counter,
}

impl Cache {
    /// An empty cache, before `shared` if there is one.
    #[must_use]
    pub fn new(settings: &Settings, loads: Loads, shared: Option<Arc<Shared>>) -> Self {
        Self {
            keys: settings.keys(),
            ttl: Duration::from_secs(settings.business_metrics_cache_ttl_sec.into()),
            local_ttl: settings.local_cache_ttl,
            stale_max_age: settings.stale_max_age,
            stale_after: settings.stale_after,
            shared,
            loads,
            kept: memory(settings.local_cache_mb),
            last: memory(settings.local_cache_mb),
            hits: answers("process"),
        }
    }

    /// The organization's version; `None` while nobody can say.
    pub async fn version(&self, organization: &str) -> Option<Version> {
        match self.shared.as_deref() {
            Some(shared) => shared.version(organization).await,
            None => None,
        }
    }

    /// Resolves when some organization's version may have changed; never where nobody can say.
    pub async fn changed(&self) {
        match self.shared.as_deref() {
            Some(shared) => shared.changed().await,
            None => std::future::pending().await,
        }
    }

    /// The answer to `question`: kept, or made by `load` now, or the last one there was.
    ///
    /// # Errors
    /// When `load` fails, takes too long or may not begin, and there is no last answer to give. All who wait for the
    /// same load get its error, and it is not kept.
    pub async fn answer<E: Send + Sync + 'static, L>(
        self: &Arc<Self>,
        question: Question,
        load: impl FnOnce() -> L,
    ) -> Result<Given, Arc<loads::Error<E>>>
    where
        L: Future<Output = Result<Answer, E>> + Send + 'static,
    {
        let version = self.version(&question.organization).await;
        let key = key(&question, version);
        if let Some(entry) = self.kept.get(&key).await {
            self.hits.increment(1);
            return Ok(Given::Fresh(entry.answer));
        }
        // Boxed, so that a hit doesn't carry room for all of this.
        Box::pin(self.miss(question, version, key, load())).await
    }

    /// What is kept can't be given. A load goes on though nobody waits for it any more: its answer is for the next.
    async fn miss<E: Send + Sync + 'static>(
        self: &Arc<Self>,
        question: Question,
        version: Option<Version>,
        key: String,
        load: impl Future<Output = Result<Answer, E>> + Send + 'static,
    ) -> Result<Given, Arc<loads::Error<E>>> {
        let last = self.last(&question).await;
        if let Some(last) =
            last.as_ref().filter(|_| !self.loads.may_try(&question.organization, Instant::now()))
        {
            return Ok(stale(last));
        }
        let patience = if last.is_some() { self.stale_after } else { Duration::MAX };
        let cache = Arc::clone(self);
        let organization = Arc::clone(&question.organization);
        let filling = tokio::spawn(async move { cache.fill(&question, version, key, load).await });
        match tokio::time::timeout(patience, filling).await {
            Ok(Ok(Ok(entry))) => Ok(Given::Fresh(entry.answer)),
            Ok(Ok(Err(error))) => last.as_ref().map(stale).ok_or(error),
            Ok(Err(panicked)) => std::panic::resume_unwind(panicked.into_panic()),
            Err(_) => {
                self.loads.failed(&organization, Instant::now());
                Ok(stale(last.as_ref().expect("patience ends only where there is a last answer")))
            }
        }
    }

    async fn last(&self, question: &Question) -> Option<Entry> {
        let last = self.last.get(&question.to_string()).await?;
        (last.as_of.elapsed() <= self.stale_max_age).then_some(last)
    }

    /// Keeps the answer to `question`, and returns it.
    async fn fill<E: Send + Sync + 'static>(
        &self,
        question: &Question,
        version: Option<Version>,
        key: String,
        load: impl Future<Output = Result<Answer, E>> + Send,
    ) -> Result<Entry, Arc<loads::Error<E>>> {
        let organization = &question.organization;
        let made = async {
            match (self.shared.as_deref(), version) {
                (Some(shared), Some(version)) => {
                    let key = &self.keys.answer(
                        organization,
                        question.scope.name(),
                        version.number,
                        &question.range,
                    );
                    self.load_through(shared, key, organization, load).await
                }
                (_, _) => self.load(organization, self.local_ttl, load).await,
            }
        };
        let entry = self.kept.entry(key).or_try_insert_with(made).await?;
        if entry.is_fresh() {
            let last = Entry { keep: self.stale_max_age, ..entry.value().clone() };
            self.last.insert(question.to_string(), last).await;
        } else {
            self.hits.increment(1);
        }
        Ok(entry.into_value())
    }

    /// What Redis keeps, or else what `load` makes, which Redis keeps from then on.
    async fn load_through<E>(
        &self,
        shared: &Shared,
        key: &str,
        organization: &Arc<str>,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, loads::Error<E>> {
        if let Some((body, left)) = shared.kept(key).await {
            answers("redis").increment(1);
            let keep = left.min(self.ttl);
            let age = self.ttl.saturating_sub(left);
            let as_of = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
            return Ok(Entry { answer: Answer::new(body), as_of, keep });
        }
        let entry = self.load(organization, self.ttl, load).await?;
        shared.keep(key, &entry.answer.body, entry.keep).await;
        Ok(entry)
    }

    async fn load<E>(
        &self,
        organization: &Arc<str>,
        keep: Duration,
        load: impl Future<Output = Result<Answer, E>>,
    ) -> Result<Entry, loads::Error<E>> {
        // From before the rows are read: an answer's age is that of what it rests on.
        let as_of = Instant::now();
        answers("postgresql").increment(1);
        let answer = self.loads.run(organization, load).await?;
        Ok(Entry { answer, as_of, keep: keep.saturating_sub(as_of.elapsed()) })
    }
}

/// Where an answer is in this process.
fn key(question: &Question, version: Option<Version>) -> String {
    let mut key = String::with_capacity(question.organization.len() + question.range.len() + 40);
    match version {
        Some(Version { number, generation }) => write!(key, "{generation}:{number}:{question}"),
        None => write!(key, "-:{question}"),
    }
    .expect("text can be written to text");
    key
}

fn stale(last: &Entry) -> Given {
    answers("stale").increment(1);
    Given::Stale(last.answer.clone(), last.as_of.elapsed())
}

/// Counts answers by where they came from: this process, Redis, PostgreSQL (a miss), or what was last known.
fn answers(from: &'static str) -> metrics::Counter {
    metrics::counter!("query_api_answers_total", "from" => from)
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
mod tests;
