//! The cache of answers, and what protects PostgreSQL from requests.
//!
//! A request reads its organization's version first, then finds the answer it asks for in one of these states:
//!
//! | state      | what is kept for the key                             | what the request gets                               |
//! |------------|------------------------------------------------------|-----------------------------------------------------|
//! | `Current`  | an answer under this version                         | that answer, fresh                                  |
//! | `Paused`   | an older answer; the same question's load failed     | the older answer, stale, at once                    |
//! |            | less than a second ago                               |                                                     |
//! | `Outdated` | an older answer                                      | a fresh answer if one is fetched within             |
//! |            |                                                      | `STALE_AFTER`, else the older one, stale            |
//! | `Absent`   | nothing, or only what is older than `STALE_MAX_AGE`  | a fresh answer once it is fetched, or the error     |
//!
//! Each policy is a module:
//!
//! ```text
//! versions   version first: it is read before the rows                   pure
//! outdated   settings likewise, where this process has changed them      pure
//!   announcer  other instances are told of that                        by the version in Redis
//! key        answers are kept under their version                        pure
//! era        what an organization's answers are kept under               pure
//! entry      each for its own TTL, with its compressed forms, in this process
//! memory     whose answers give way when there is no more room           pure
//! source     fetched from Redis, or else loaded
//!   shared   Redis, optional                                             the only one that knows it
//!   frame    what in Redis is taken for an answer                        pure
//!   loads    how many loads at once, and for how long
//!     slots    how many of them for each organization                    pure
//! backoff    how long a question isn't asked again after it has failed   pure
//! stale      older answers, for when no fresh one can be had
//! ```
//!
//! **Version first.** What is loaded across a commit of the consumer is kept under a version that no later request has. So an
//! answer may be kept for long, here and in Redis, and is out of use the moment the organization's numbers change. While
//! Redis is unreachable there is no version and no way to tell whether an answer is still right, so it is kept in this
//! process only, for [`Settings::local_cache_ttl`].
//!
//! **Settings, too.** Answers show thresholds that organizations set themselves. After such a change the process that made it
//! raises the version, as the consumer does after a commit, and its own epoch ([`Cache::outdate`]).
//!
//! **Shares.** No organization's answers make room for another's that keeps more: in each memory of this process the one that
//! keeps the most gives way (`memory`), and to Redis each instance writes only [`Settings::shared_cache_mb`] for one
//! organization within a TTL. Loads are paid for with the organization's rate (`request/rate_limit.rs`).
//!
//! **One fetch.** Concurrent requests for the same key and version share one fetch, and its error. It goes on when no
//! request waits for it any more: its answer is for the next.
//!
//! **Together.** Several questions of one request are answered under one version, each by the answer that is kept for it. What is
//! kept for none is loaded from one state of the database. If the version has changed meanwhile, and some were kept, the request
//! asks once more: a change shows in all parts of its answer, or in none.

mod announcer;
mod backoff;
mod entry;
mod era;
mod frame;
mod key;
pub mod loads;
pub mod memory;
mod outdated;
pub mod shared;
pub mod slots;
mod source;
mod stale;
pub mod versions;

pub use backoff::PAUSE;
pub use entry::Forms;
pub use frame::Refused;
pub use key::Key;

use crate::answer::Answer;
use crate::request::rate_limit::RateLimit;
use announcer::Announcer;
use backoff::Backoff;
use domain::CacheKeys;
use entry::Entry;
use era::Era;
use futures_util::future::join_all;
use loads::Loads;
use memory::Memory;
use moka::future::Cache as Flights;
use outdated::Epochs;
use shared::Shared;
use source::{Source, Times, answers_from, looked_up};
use stale::StaleAnswers;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinError, JoinHandle};
use versions::Version;

/// How answers are kept.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Cache")]
pub struct Settings {
    /// The prefix of every cache key; the consumer must have the same. Set it where several systems share one Redis
    #[arg(long, env, default_value = "")]
    pub cache_key_prefix: String,

    /// How long an answer is kept, in seconds. It bounds how old an answer can get when a consumer dies between its
    /// commit and its announcement; lower it if that is too old
    #[arg(long, env, default_value_t = 45, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub business_metrics_cache_ttl_sec: u32,

    /// How long an answer is kept without Redis, or while it is unreachable. Raise it to spare the database; answers may
    /// then be older by as much
    #[arg(long, env, default_value = "1s", value_parser = humantime::parse_duration)]
    pub local_cache_ttl: Duration,

    /// How many megabytes of answers this process keeps. It keeps as many megabytes again of stale answers, for when the
    /// database is unreachable, and of finished responses, for requests that come again. Raise it when many organizations
    /// look at many ranges and the cache's hit rate is low
    #[arg(long, env, default_value_t = 64)]
    pub local_cache_mb: u32,

    /// How many megabytes of answers this process writes to Redis for one organization within
    /// BUSINESS_METRICS_CACHE_TTL_SEC, after which they expire; 0 for no limit. Lower it where Redis is small
    #[arg(long, env, default_value_t = 32, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub shared_cache_mb: u32,

    /// How old an answer may be that is served, marked as stale, while the database is slow or unreachable; after that
    /// requests get 503. Lower it where no number is better than an old one; 0s serves none
    #[arg(long, env, default_value = "10m", value_parser = humantime::parse_duration)]
    pub stale_max_age: Duration,

    /// How long a request waits for the database before it gets a stale answer, if there is one. Raise it where fresh
    /// numbers are worth waiting for
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

/// How often several questions are asked together, before answers of two versions are given: each time the version has changed
/// while some were loaded.
const TOGETHER_TRIES: u32 = 3;

/// What a request gets.
#[derive(Clone, Debug)]
pub enum Served {
    /// An answer that is current, as far as anybody knows, its forms, and how long it stays so.
    Fresh(Answer, Arc<Forms>, Standing),
    /// An older answer, its forms as a stale one, and how old it is.
    Stale(Answer, Arc<Forms>, Duration),
}

/// What an answer is current by.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    era: Era,
    until: Instant,
}

impl Standing {
    /// Of two answers under one version: as long as both are current.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { until: self.until.min(other.until), ..self }
    }

    /// Of an answer without a version.
    #[cfg(test)]
    pub(crate) fn until(until: Instant) -> Self {
        Self { era: Era::default(), until }
    }
}

/// The states of the table above, but for `Current`.
enum Missing {
    Paused(Entry),
    Outdated(Entry),
    Absent,
}

/// The answers to several questions, fetched together.
struct Joint {
    entries: Vec<Entry>,
    /// Whether some were kept, and some loaded.
    is_mixed: bool,
}

/// What is known of the answers to several questions.
enum KnownHere {
    Current(Entry),
    Outdated(Entry),
}

/// A question whose answer isn't kept here, or isn't current.
struct Missed {
    key: Key,
    era: Era,
    versioned_key: String,
    rows: u32,
}

/// The cache of answers.
pub struct Cache {
    /// By key and version.
    kept: Memory<String, Entry>,
    /// The fetches under way, by key and version. Nothing is kept here.
    flights: Flights<String, Entry>,
    /// Those of several questions together.
    joint_flights: Flights<String, Arc<Joint>>,
    source: Source,
    epochs: Epochs,
    announcer: Arc<Announcer>,
    backoff: Backoff,
    stale: StaleAnswers,
    stale_after: Duration,
    /// Held here, because looking it up costs time on every hit.
    hits: metrics::Counter,
    given_again: metrics::Counter,
}

impl Cache {
    /// An empty cache. With `shared` other instances share its answers. Loads are paid for with `rate_limit`.
    #[must_use]
    pub fn new(
        settings: &Settings,
        loads: Loads,
        rate_limit: Arc<RateLimit>,
        shared: Option<Arc<Shared>>,
    ) -> Self {
        let ttl = Duration::from_secs(settings.business_metrics_cache_ttl_sec.into());
        let times = Times { ttl, local_ttl: settings.local_cache_ttl };
        let announcer = Announcer::new(shared.clone(), ttl);
        let shared = (shared, settings.shared_cache_mb);
        Self {
            kept: Memory::new(settings.local_cache_mb),
            flights: Flights::new(0),
            joint_flights: Flights::new(0),
            source: Source::new(settings.keys(), shared, (loads, rate_limit), times),
            epochs: Epochs::default(),
            announcer,
            backoff: Backoff::default(),
            stale: StaleAnswers::new(settings.local_cache_mb, settings.stale_max_age),
            stale_after: settings.stale_after,
            hits: answers_from("process"),
            given_again: answers_from("response"),
        }
    }

    /// The organization's version; `None` without Redis, or while it is unreachable or couldn't be told of changed settings.
    pub async fn version(&self, organization: &str) -> Option<Version> {
        match self.source.shared() {
            Some(shared) if !self.announcer.passes_by(organization) => shared.version(organization).await,
            Some(_) | None => None,
        }
    }

    /// What its answers are kept under now.
    async fn era(&self, organization: &str) -> Era {
        let epoch = self.epochs.of(organization);
        Era { version: self.version(organization).await, epoch }
    }

    /// Whether an answer that was current is so still, as far as can be said without asking Redis.
    pub fn stands(&self, organization: &str, standing: &Standing) -> bool {
        let is_latest = match (self.source.shared(), standing.era.version) {
            (Some(shared), Some(version)) => shared.known_version(organization) == Some(version),
            // While Redis was unreachable nobody knew the version. It may be reachable again.
            (Some(_), None) => false,
            (None, _) => true,
        };
        is_latest && self.epochs.of(organization) == standing.era.epoch && Instant::now() < standing.until
    }

    /// Puts the organization's answers out of use, on all instances, because its settings have been changed and committed. When
    /// this returns no instance gives an answer that was made before, as far as Redis could be told; without Redis, others do so
    /// for [`Settings::local_cache_ttl`].
    pub async fn outdate(&self, organization: &Arc<str>) {
        self.epochs.raise(organization);
        self.announcer.announce(organization).await;
    }

    /// Counts an answer whose finished response is given once more.
    pub fn given_again(&self) {
        traces::note("business_metrics.answer.from", "response");
        self.given_again.increment(1);
    }

    /// Resolves when some organization's version may have changed; never without Redis.
    pub async fn changed(&self) {
        match self.source.shared() {
            Some(shared) => shared.changed().await,
            None => std::future::pending().await,
        }
    }

    /// The answer for `key`, which `load` makes from so many rows if it has to be loaded.
    ///
    /// # Errors
    /// When it has to be loaded, and the organization's rate is used up, or that fails and there is no stale answer either.
    pub async fn answer<E: Send + Sync + 'static, L>(
        self: &Arc<Self>,
        key: Key,
        rows: u32,
        load: impl FnOnce() -> L,
    ) -> Result<Served, Arc<loads::Error<E>>>
    where
        L: Future<Output = Result<Answer, E>> + Send + 'static,
    {
        let lookup = traces::span("cache");
        let era = self.era(&key.organization).await;
        let versioned_key = key.under(era);
        let current = self.kept.get(&*versioned_key, Instant::now());
        looked_up(lookup, 1, usize::from(current.is_some()));
        if let Some(current) = current {
            self.hits.increment(1);
            return Ok(fresh(current, era));
        }
        let missed = Missed { key, era, versioned_key, rows };
        // Boxed, so that the future of a hit stays small.
        // A load is large, and would be moved through every frame between here and where it is polled.
        let load = Box::pin(load());
        Box::pin(self.miss(missed, load)).await
    }

    async fn miss<E: Send + Sync + 'static>(
        self: &Arc<Self>,
        missed: Missed,
        load: impl Future<Output = Result<Answer, E>> + Send + 'static,
    ) -> Result<Served, Arc<loads::Error<E>>> {
        let Missed { key, era, .. } = &missed;
        let (question, era) = (key.to_string(), *era);
        let state = self.missing(key, &question);
        let fetch = || {
            let cache = Arc::clone(self);
            tokio::spawn(traces::carried(async move { cache.fetch_once(missed, load).await }))
        };
        match state {
            Missing::Paused(older) => Ok(stale(&older)),
            Missing::Outdated(older) => self.fresh_or_stale(question, era, &older, fetch()).await,
            Missing::Absent => fetched(fetch().await).map(|entry| fresh(entry, era)),
        }
    }

    /// In which state the answer is, given that it isn't current.
    fn missing(&self, key: &Key, question: &str) -> Missing {
        match self.stale.get(key) {
            None => Missing::Absent,
            Some(older) if self.backoff.may_try(question, Instant::now()) => Missing::Outdated(older),
            Some(older) => Missing::Paused(older),
        }
    }

    /// The fetched answer, if it comes in time, else the older one. A fetch that is late begins a pause, as one that fails
    /// does: other requests for the same then don't wait. No older answer makes up for a rate that is used up.
    async fn fresh_or_stale<E: Send + Sync + 'static>(
        &self,
        question: String,
        era: Era,
        older: &Entry,
        fetching: JoinHandle<Result<Entry, Arc<loads::Error<E>>>>,
    ) -> Result<Served, Arc<loads::Error<E>>> {
        match tokio::time::timeout(self.stale_after, fetching).await {
            Ok(ended) => match fetched(ended) {
                Ok(entry) => Ok(fresh(entry, era)),
                Err(error) if matches!(*error, loads::Error::OverRate(_)) => Err(error),
                Err(_) => Ok(stale(older)),
            },
            Err(_) => {
                self.backoff.begin(question, Instant::now());
                Ok(stale(older))
            }
        }
    }

    /// Fetches the answer and keeps it, unless another request has done so meanwhile.
    async fn fetch_once<E: Send + Sync + 'static>(
        &self,
        Missed { key, era, versioned_key, rows }: Missed,
        load: impl Future<Output = Result<Answer, E>> + Send,
    ) -> Result<Entry, Arc<loads::Error<E>>> {
        let name = versioned_key.clone();
        let fetch = async {
            // The request before may have ended between a look at what is kept and this.
            if let Some(current) = self.kept.get(&*name, Instant::now()) {
                self.hits.increment(1);
                return Ok(current);
            }
            let fetched = self.source.fetch(&key, era.version, rows, load).await;
            self.note(&key, &fetched);
            if let Ok(entry) = &fetched {
                self.keep(&key, name.clone(), entry);
            }
            fetched
        };
        let entry = self.flights.entry(versioned_key).or_try_insert_with(fetch).await?;
        if !entry.is_fresh() {
            self.hits.increment(1);
        }
        Ok(entry.into_value())
    }

    /// The answers for several keys of one organization, all under one version. Those that aren't kept are loaded together: `load`
    /// makes those of the places that it is given, each from as many rows as are beside its key.
    ///
    /// # Errors
    /// When some have to be loaded, and the organization's rate is used up, or that fails and there is no stale answer to one.
    pub async fn answers<E: Send + Sync + 'static, L>(
        self: &Arc<Self>,
        asked: &Arc<[(Key, u32)]>,
        load: impl Fn(Vec<usize>) -> L + Clone + Send + Sync + 'static,
    ) -> Result<Vec<Served>, Arc<loads::Error<E>>>
    where
        L: Future<Output = Result<Vec<Answer>, E>> + Send + 'static,
    {
        let Some((Key { organization, .. }, _)) = asked.first() else { return Ok(Vec::new()) };
        let mut era = self.era(organization).await;
        for _ in 1..TOGETHER_TRIES {
            let (served, is_mixed) = self.answers_under(era, asked, load.clone()).await?;
            let latest = if is_mixed { self.era(organization).await } else { era };
            if latest == era {
                return Ok(served);
            }
            era = latest;
        }
        Ok(self.answers_under(era, asked, load).await?.0)
    }

    /// The answers under `era`, and whether some of them were kept and some loaded.
    async fn answers_under<E: Send + Sync + 'static, L>(
        self: &Arc<Self>,
        era: Era,
        asked: &Arc<[(Key, u32)]>,
        load: impl Fn(Vec<usize>) -> L + Send + Sync + 'static,
    ) -> Result<(Vec<Served>, bool), Arc<loads::Error<E>>>
    where
        L: Future<Output = Result<Vec<Answer>, E>> + Send + 'static,
    {
        let lookup = traces::span("cache");
        let known: Vec<_> = asked.iter().map(|(key, _)| self.known_here(key, era)).collect();
        let hits = known.iter().filter(|known| matches!(known, Some(KnownHere::Current(_)))).count();
        looked_up(lookup, known.len(), hits);
        if known.iter().all(|known| matches!(known, Some(KnownHere::Current(_)))) {
            self.hits.increment(known.len() as u64);
            return Ok((known.into_iter().flatten().map(|known| known.served(era)).collect(), false));
        }
        let lacks =
            known.iter().zip(&**asked).filter(|(known, _)| !matches!(known, Some(KnownHere::Current(_))));
        let lacking: Vec<String> = lacks.map(|(_, (key, _))| key.to_string()).collect();
        let older: Option<Vec<KnownHere>> = known.into_iter().collect();
        let given = |older: Vec<KnownHere>| older.into_iter().map(|known| known.served(era)).collect();
        if let Some(older) = older {
            let now = Instant::now();
            if !lacking.iter().all(|question| self.backoff.may_try(question, now)) {
                return Ok((given(older), false));
            }
            let fetching = self.fetch_together(era, asked, load);
            return match tokio::time::timeout(self.stale_after, fetching).await {
                Ok(ended) => match fetched(ended) {
                    Ok(joint) => Ok(joint.served(era)),
                    Err(error) if matches!(*error, loads::Error::OverRate(_)) => Err(error),
                    Err(_) => Ok((given(older), false)),
                },
                Err(_) => {
                    lacking.into_iter().for_each(|question| self.backoff.begin(question, Instant::now()));
                    Ok((given(older), false))
                }
            };
        }
        Ok(fetched(self.fetch_together(era, asked, load).await)?.served(era))
    }

    /// Fetches answers in a task, which goes on when no request waits for it any more. Requests for the same share it.
    fn fetch_together<E: Send + Sync + 'static, L>(
        self: &Arc<Self>,
        era: Era,
        asked: &Arc<[(Key, u32)]>,
        load: impl Fn(Vec<usize>) -> L + Send + Sync + 'static,
    ) -> JoinHandle<Result<Arc<Joint>, Arc<loads::Error<E>>>>
    where
        L: Future<Output = Result<Vec<Answer>, E>> + Send + 'static,
    {
        let (cache, asked) = (Arc::clone(self), Arc::clone(asked));
        tokio::spawn(traces::carried(async move {
            let names: Vec<_> = asked.iter().map(|(key, _)| key.under(era)).collect();
            let fetch = cache.joint(era, &asked, load);
            let entry = cache.joint_flights.entry(names.join("\n")).or_try_insert_with(fetch).await?;
            Ok(entry.into_value())
        }))
    }

    /// Loads what isn't kept, here or in Redis.
    async fn joint<E, L>(
        &self,
        era: Era,
        asked: &[(Key, u32)],
        load: impl Fn(Vec<usize>) -> L,
    ) -> Result<Arc<Joint>, loads::Error<E>>
    where
        L: Future<Output = Result<Vec<Answer>, E>>,
    {
        let mut finding = Vec::with_capacity(asked.len());
        for (key, _) in asked {
            finding.push(self.found(key, era));
        }
        let mut found = join_all(finding).await;
        // Without a version nobody can say whether what is kept and what is loaded are of one.
        if era.version.is_none() && found.iter().any(Option::is_none) {
            found.fill(None);
        }
        let missing: Vec<usize> = (0..found.len()).filter(|place| found[*place].is_none()).collect();
        self.hits.increment((found.len() - missing.len()) as u64);
        if !missing.is_empty() {
            let keys: Vec<_> = missing.iter().map(|place| asked[*place].clone()).collect();
            let load = Box::pin(load(missing.clone()));
            let loaded = self.source.load_together(&keys, era.version, load).await;
            keys.iter().for_each(|(key, _)| self.note(key, &loaded));
            for ((place, (key, _)), entry) in missing.iter().zip(&keys).zip(loaded?) {
                self.keep(key, key.under(era), &entry);
                found[*place] = Some(entry);
            }
        }
        let is_mixed = !missing.is_empty() && missing.len() < found.len();
        Ok(Arc::new(Joint { entries: found.into_iter().flatten().collect(), is_mixed }))
    }

    /// The answer that is kept here or in Redis.
    async fn found(&self, key: &Key, era: Era) -> Option<Entry> {
        let name = key.under(era);
        if let Some(current) = self.kept.get(&*name, Instant::now()) {
            return Some(current);
        }
        let entry = self.source.kept(key, era.version).await?;
        self.keep(key, name, &entry);
        Some(entry)
    }

    fn known_here(&self, key: &Key, era: Era) -> Option<KnownHere> {
        let current = self.kept.get(&*key.under(era), Instant::now()).map(KnownHere::Current);
        current.or_else(|| self.stale.get(key).map(KnownHere::Outdated))
    }

    /// Keeps a current answer under its name, and for when no fresh one can be had.
    fn keep(&self, key: &Key, name: String, entry: &Entry) {
        let now = Instant::now();
        let terms = entry.terms(&key.organization, &name, now + entry.ttl);
        self.kept.keep(name, entry.clone(), terms, now);
        self.stale.keep(key, entry);
    }

    /// Begins or ends the pause of a question. A load that was not tried says nothing.
    fn note<T, E>(&self, key: &Key, fetched: &Result<T, loads::Error<E>>) {
        match fetched {
            Ok(_) => self.backoff.end(&key.to_string()),
            Err(loads::Error::TimedOut | loads::Error::Failed(_)) => {
                self.backoff.begin(key.to_string(), Instant::now());
            }
            Err(loads::Error::Shed | loads::Error::OverRate(_) | loads::Error::Panicked) => {}
        }
    }
}

impl KnownHere {
    fn served(self, era: Era) -> Served {
        match self {
            Self::Current(entry) => fresh(entry, era),
            Self::Outdated(entry) => stale(&entry),
        }
    }
}

impl Joint {
    /// What the request gets, and whether some were kept and some loaded.
    fn served(&self, era: Era) -> (Vec<Served>, bool) {
        (self.entries.iter().map(|entry| fresh(entry.clone(), era)).collect(), self.is_mixed)
    }
}

/// The result of a fetch. One that panicked is an error like others here: the panic itself is in the log.
fn fetched<T, E>(
    ended: Result<Result<T, Arc<loads::Error<E>>>, JoinError>,
) -> Result<T, Arc<loads::Error<E>>> {
    ended.unwrap_or_else(|_| Err(Arc::new(loads::Error::Panicked)))
}

fn fresh(entry: Entry, era: Era) -> Served {
    Served::Fresh(entry.answer, entry.forms, Standing { era, until: entry.fresh_until })
}

fn stale(older: &Entry) -> Served {
    answers_from("stale").increment(1);
    Served::Stale(older.answer.clone(), Arc::clone(&older.stale_forms), older.as_of.elapsed())
}

#[cfg(test)]
mod tests;
