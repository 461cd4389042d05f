//! Which streams are open, and the version last announced to each organization's.

use crate::cache::slots::{Full, Slots};
use crate::streams::stream::Stream;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How many streams there may be.
#[derive(clap::Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct Settings {
    /// How many streams are open at once; each takes a connection, too. Raise it, with CONNECTIONS_MAX, where many
    /// dashboards stay open
    #[arg(long, env, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub streams_max: u32,

    /// How many of them one organization may have. Raise it when people of a large customer get 429
    #[arg(long, env, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub streams_per_organization_max: u32,
}

/// The open streams.
pub struct Streams {
    slots: Arc<Slots>,
    stopping: CancellationToken,
    /// The version last announced, by organization; `None` until the first is known.
    announced: Mutex<HashMap<Arc<str>, watch::Sender<Option<u64>>>>,
}

impl Streams {
    /// No open streams. All streams end when `stopping` is cancelled.
    #[must_use]
    pub fn new(settings: &Settings, stopping: CancellationToken) -> Self {
        let (all, each) = (settings.streams_max, settings.streams_per_organization_max);
        Self { slots: Slots::new(all as usize, each as usize), stopping, announced: Mutex::default() }
    }

    /// Opens a stream for `organization`, whose client knows the version `known` already, for `lifetime` at most.
    ///
    /// # Errors
    /// When too many are open.
    pub fn open(
        &self,
        organization: &Arc<str>,
        known: Option<u64>,
        lifetime: Duration,
    ) -> Result<Stream, Full> {
        let slot = self.slots.take(organization)?;
        let mut announced = self.announced();
        let version = announced.entry(Arc::clone(organization)).or_insert_with(|| watch::Sender::new(None));
        Ok(Stream::new(version.subscribe(), known, lifetime, self.stopping.clone(), slot))
    }

    /// How many streams are open.
    pub(super) fn count(&self) -> usize {
        self.slots.taken_now()
    }

    /// The organizations with open streams; all others are forgotten.
    pub(super) fn organizations(&self) -> Vec<Arc<str>> {
        let mut announced = self.announced();
        announced.retain(|_, version| version.receiver_count() > 0);
        announced.keys().cloned().collect()
    }

    /// Announces the organization's version to its streams.
    pub(super) fn announce(&self, organization: &str, number: u64) {
        if let Some(version) = self.announced().get(organization) {
            version.send_if_modified(|last| last.replace(number) != Some(number));
        }
    }

    /// Whether the organization's streams wait for their first version.
    pub(super) fn awaits_first(&self, organization: &str) -> bool {
        self.announced().get(organization).is_some_and(|version| version.borrow().is_none())
    }

    /// Announces the organization's version, unless one is announced already.
    pub(super) fn announce_first(&self, organization: &str, number: u64) {
        if let Some(version) = self.announced().get(organization) {
            version.send_if_modified(|last| last.is_none() && last.replace(number).is_none());
        }
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Sender<Option<u64>>>> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::stream::{EVENTS_APART, Event};
    use tokio::time::Instant;

    fn streams(all: u32, each: u32) -> (Streams, CancellationToken) {
        let stopping = CancellationToken::new();
        let settings = Settings { streams_max: all, streams_per_organization_max: each };
        (Streams::new(&settings, stopping.clone()), stopping)
    }

    fn open(streams: &Streams, organization: &str, known: Option<u64>) -> Result<Stream, Full> {
        streams.open(&organization.into(), known, Duration::from_secs(2))
    }

    #[tokio::test]
    async fn a_stream_sends_the_versions_of_its_own_organization_only() {
        let (streams, _stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", None).unwrap();
        let mut other = open(&streams, "other", None).unwrap();
        streams.announce("acme", 7);
        assert_eq!(acme.next().await, Some(Event::Version(7)));
        streams.announce("acme", 7);
        streams.announce("acme", 8);
        streams.announce("acme", 9);
        assert_eq!(acme.next().await, Some(Event::Version(9)), "overtaken versions are not sent");
        assert_eq!(other.next().await, Some(Event::End("open another")), "its lifetime is over");
        assert_eq!(other.next().await, None);
    }

    #[tokio::test]
    async fn a_client_that_knows_the_version_is_sent_the_next() {
        let (streams, _stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", Some(7)).unwrap();
        streams.announce("acme", 7);
        assert!(tokio::time::timeout(Duration::from_millis(50), acme.next()).await.is_err());
        // A lower number is another version, too: Redis was emptied.
        streams.announce("acme", 1);
        assert_eq!(acme.next().await, Some(Event::Version(1)));
    }

    #[tokio::test]
    async fn events_keep_their_distance() {
        let (streams, _stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", None).unwrap();
        let begun = Instant::now();
        for number in 0..2 {
            streams.announce("acme", number);
            assert_eq!(acme.next().await, Some(Event::Version(number)));
        }
        assert!(begun.elapsed() >= EVENTS_APART);
    }

    #[tokio::test]
    async fn all_streams_end_when_the_process_does() {
        let (streams, stopping) = streams(10, 10);
        let mut acme = open(&streams, "acme", None).unwrap();
        stopping.cancel();
        assert_eq!(acme.next().await, Some(Event::End("stopping")));
        assert_eq!(acme.next().await, None);
    }

    #[tokio::test]
    async fn streams_are_limited_and_an_ended_one_makes_room() {
        let (streams, _stopping) = streams(3, 2);
        let first = open(&streams, "acme", None).unwrap();
        let _second = open(&streams, "acme", None).unwrap();
        assert_eq!(open(&streams, "acme", None).err(), Some(Full::Organization));
        let _third = open(&streams, "beta", None).unwrap();
        assert_eq!(open(&streams, "beta", None).err(), Some(Full::All));
        drop(first);
        assert!(open(&streams, "beta", None).is_ok());
        assert_eq!(streams.organizations().len(), 2, "nothing is kept of organizations without a stream");
    }
}
