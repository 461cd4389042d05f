//! Who is told that an organization's numbers have changed.
//!
//! One task ([`follow`]) learns versions for all streams: Redis wakes it when one has changed; where Redis can't be
//! asked, PostgreSQL is looked at now and then, with one query for all organizations. A version says "fetch again" and
//! nothing else: any number but the one before will do, and going over from one source to the other costs each stream
//! one fetch in vain.

use crate::cache::Cache;
use crate::cache::places::{Full, Place, Places};
use crate::store::Store;
use futures_util::{StreamExt as _, stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often versions are looked at without being told of a change.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// So many versions are asked for at once.
const ASK_AT_ONCE: usize = 32;

/// Between two events of a stream at least: an organization's numbers may change many times a second, and each event
/// makes somebody fetch.
const EVENTS_APART: Duration = Duration::from_millis(500);

/// A stream ends after this and its client opens another, so that none outlives a withdrawn key for long, and new
/// instances get their share.
const STREAM_AGE_MAX: Duration = Duration::from_secs(15 * 60);

/// How many streams there may be.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// How many streams are open at once; each is a connection, too. Raise it, with CONNECTIONS_MAX, where many
    /// dashboards stay open
    #[arg(long, env, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub streams_max: u32,

    /// How many of them one organization may have. Raise it when people of a large customer get 429
    #[arg(long, env, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub streams_per_organization_max: u32,
}

/// The open streams.
pub struct Streams {
    places: Arc<Places>,
    stopping: CancellationToken,
    /// The version last told, by organization; `None` while nobody could say.
    open: Mutex<HashMap<Arc<str>, watch::Sender<Option<u64>>>>,
}

/// One stream's view.
pub struct Stream {
    version: watch::Receiver<Option<u64>>,
    sent: Option<u64>,
    not_before: Instant,
    ends_at: Instant,
    stopping: CancellationToken,
    last_word_said: bool,
    _place: Place,
}

/// What a stream has to say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The version is this one now.
    Version(u64),
    /// The stream ends, for a reason that is no fault; its client may open another.
    Goodbye(&'static str),
}

impl Streams {
    /// None are open; all end when `stopping` says so.
    #[must_use]
    pub fn new(settings: &Settings, stopping: CancellationToken) -> Self {
        let (all, each) = (settings.streams_max, settings.streams_per_organization_max);
        Self { places: Places::new(all as usize, each as usize), stopping, open: Mutex::default() }
    }

    /// A stream for `organization`, whose client knows the version `known` already, until `ends_in` at the latest.
    ///
    /// # Errors
    /// When there are too many.
    pub fn open(
        &self,
        organization: &Arc<str>,
        known: Option<u64>,
        ends_in: Duration,
    ) -> Result<Stream, Full> {
        let place = self.places.take(organization)?;
        let now = Instant::now();
        let mut open = self.locked();
        let version = open.entry(Arc::clone(organization)).or_insert_with(|| watch::Sender::new(None));
        Ok(Stream {
            version: version.subscribe(),
            sent: known,
            not_before: now,
            ends_at: now + ends_in.min(STREAM_AGE_MAX),
            stopping: self.stopping.clone(),
            last_word_said: false,
            _place: place,
        })
    }

    /// Organizations that somebody listens to; the others are forgotten.
    fn organizations(&self) -> Vec<Arc<str>> {
        let mut open = self.locked();
        open.retain(|_, version| version.receiver_count() > 0);
        open.keys().cloned().collect()
    }

    fn tell(&self, organization: &str, number: u64) {
        if let Some(version) = self.locked().get(organization) {
            version.send_if_modified(|told| told.replace(number) != Some(number));
        }
    }

    /// Learns the organization's version for its first listener, so that a new stream doesn't wait for a look. What is
    /// being followed already is known better than one question can tell.
    pub async fn begin(&self, organization: &Arc<str>, cache: &Cache, store: &Store) {
        let unknown = self.locked().get(organization).is_some_and(|version| version.borrow().is_none());
        if !unknown {
            return;
        }
        let number = match cache.version(organization).await {
            Some(version) => Some(version.number),
            None => store
                .counted(&[Arc::clone(organization)])
                .await
                .ok()
                .and_then(|all| all.first().map(|one| one.1)),
        };
        if let (Some(number), Some(version)) = (number, self.locked().get(organization)) {
            version.send_if_modified(|told| told.is_none() && told.replace(number).is_none());
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Sender<Option<u64>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// What to say next; `None` after the goodbye.
    pub async fn next(&mut self) -> Option<Word> {
        if self.last_word_said {
            return None;
        }
        let (sent, not_before, version) = (self.sent, self.not_before, &mut self.version);
        let changed = async {
            tokio::time::sleep_until(not_before).await;
            let changed = version.wait_for(|version| version.is_some() && *version != sent).await;
            changed.ok().and_then(|version| *version)
        };
        let goodbye = tokio::select! {
            version = changed => match version {
                Some(version) => {
                    self.sent = Some(version);
                    self.not_before = Instant::now() + EVENTS_APART;
                    return Some(Word::Version(version));
                }
                None => "stopping",
            },
            () = self.stopping.cancelled() => "stopping",
            () = tokio::time::sleep_until(self.ends_at) => "open another",
        };
        self.last_word_said = true;
        Some(Word::Goodbye(goodbye))
    }
}

/// Learns versions for all streams, for ever.
pub async fn follow(streams: &Streams, cache: &Cache, store: &Store) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let look = tokio::select! {
            _ = looks.tick() => true,
            () = cache.changed() => false,
        };
        metrics::gauge!("query_api_streams").set(streams.places.taken_now() as f64);
        let organizations = streams.organizations();
        let asked = stream::iter(organizations).map(|organization| async {
            let version = cache.version(&organization).await;
            (organization, version)
        });
        let mut unknown = Vec::new();
        let mut asked = asked.buffer_unordered(ASK_AT_ONCE);
        while let Some((organization, version)) = asked.next().await {
            match version {
                Some(version) => streams.tell(&organization, version.number),
                None => unknown.push(organization),
            }
        }
        if look && !unknown.is_empty() {
            // While PostgreSQL is away there is nothing to tell either.
            for (organization, number) in store.counted(&unknown).await.unwrap_or_default() {
                streams.tell(&organization, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(all: u32, each: u32) -> (Streams, CancellationToken) {
        let stopping = CancellationToken::new();
        let settings = Settings { streams_max: all, streams_per_organization_max: each };
        (Streams::new(&settings, stopping.clone()), stopping)
    }

    fn open(streams: &Streams, organization: &str, known: Option<u64>) -> Result<Stream, Full> {
        streams.open(&organization.into(), known, Duration::from_secs(2))
    }

    #[tokio::test]
    async fn each_listener_is_told_of_its_own_organization_only() {
        let (streams, _stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", None).unwrap();
        let mut other = open(&streams, "other", None).unwrap();
        streams.tell("acme", 7);
        assert_eq!(acme.next().await, Some(Word::Version(7)));
        streams.tell("acme", 7);
        streams.tell("acme", 8);
        streams.tell("acme", 9);
        assert_eq!(acme.next().await, Some(Word::Version(9)), "what was overtaken is not told");
        assert_eq!(other.next().await, Some(Word::Goodbye("open another")), "its token has ended");
        assert_eq!(other.next().await, None);
    }

    #[tokio::test]
    async fn who_knows_the_version_is_told_of_the_next() {
        let (streams, _stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", Some(7)).unwrap();
        streams.tell("acme", 7);
        assert!(tokio::time::timeout(Duration::from_millis(50), acme.next()).await.is_err());
        // Less than before is another version, too: Redis was emptied.
        streams.tell("acme", 1);
        assert_eq!(acme.next().await, Some(Word::Version(1)));
    }

    #[tokio::test]
    async fn events_keep_their_distance() {
        let (streams, _stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", None).unwrap();
        let begun = Instant::now();
        for number in 0..2 {
            streams.tell("acme", number);
            assert_eq!(acme.next().await, Some(Word::Version(number)));
        }
        assert!(begun.elapsed() >= EVENTS_APART);
    }

    #[tokio::test]
    async fn all_streams_end_when_the_process_does() {
        let (streams, stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", None).unwrap();
        stopping.cancel();
        assert_eq!(acme.next().await, Some(Word::Goodbye("stopping")));
        assert_eq!(acme.next().await, None);
    }

    #[tokio::test]
    async fn there_are_so_many_and_no_more_and_a_place_comes_back() {
        let (streams, _stopping) = streams(3, 2);
        let first = open(&streams, "acme", None).unwrap();
        let _second = open(&streams, "acme", None).unwrap();
        assert_eq!(open(&streams, "acme", None).err(), Some(Full::Organization));
        let _third = open(&streams, "beta", None).unwrap();
        assert_eq!(open(&streams, "beta", None).err(), Some(Full::All));
        drop(first);
        assert!(open(&streams, "beta", None).is_ok());
        assert_eq!(streams.organizations().len(), 2, "of those that left nothing is kept");
    }
}
