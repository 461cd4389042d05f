//! Learns the versions of all organizations with open streams, in one task: from Redis when it announces a change, and at
//! intervals. While Redis can't be read: from PostgreSQL, at these intervals, by one query for all organizations.

use crate::cache::Cache;
use crate::store::Store;
use crate::streams::registry::Streams;
use futures_util::{StreamExt as _, stream};
use std::sync::Arc;
use std::time::Duration;

/// How often versions are read without an announcement.
const POLL_EVERY: Duration = Duration::from_secs(2);

/// How many versions are read from Redis at once.
const READS_MAX: usize = 32;

/// Announces versions to all streams, for ever.
pub async fn follow(streams: &Streams, cache: &Cache, store: &Store) {
    let mut polls = tokio::time::interval(POLL_EVERY);
    polls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let poll = tokio::select! {
            _ = polls.tick() => true,
            () = cache.changed() => false,
        };
        metrics::gauge!("query_api_streams").set(streams.count() as f64);
        let unknown = announce_known(streams, cache).await;
        if poll && !unknown.is_empty() {
            // While PostgreSQL is unreachable there is nothing to announce.
            for (organization, number) in store.fallback_versions(&unknown).await.unwrap_or_default() {
                streams.announce(&organization, number);
            }
        }
    }
}

/// Announces the versions that Redis has, and returns the organizations for which it has none.
async fn announce_known(streams: &Streams, cache: &Cache) -> Vec<Arc<str>> {
    let reads = stream::iter(streams.organizations()).map(|organization| async {
        let version = cache.version(&organization).await;
        (organization, version)
    });
    let mut unknown = Vec::new();
    let mut reads = reads.buffer_unordered(READS_MAX);
    while let Some((organization, version)) = reads.next().await {
        match version {
            Some(version) => streams.announce(&organization, version.number),
            None => unknown.push(organization),
        }
    }
    unknown
}

/// Learns the organization's version for its first stream, so that it needn't wait for a poll. A version that is announced
/// already is newer than what this would read.
pub async fn begin(streams: &Streams, organization: &Arc<str>, cache: &Cache, store: &Store) {
    if !streams.awaits_first(organization) {
        return;
    }
    let number = match cache.version(organization).await {
        Some(version) => Some(version.number),
        None => {
            let numbers = store.fallback_versions(&[Arc::clone(organization)]).await;
            numbers.ok().and_then(|all| all.first().map(|(_, number)| *number))
        }
    };
    if let Some(number) = number {
        streams.announce_first(organization, number);
    }
}
