//! Stale answers: the newest answer for each key, whatever its version, for when no fresh one can be had.

use crate::cache::entry::{Entry, memory};
use crate::cache::key::Key;
use moka::future::Cache as Memory;
use std::time::Duration;

/// The newest answer for each key.
pub struct StaleAnswers {
    memory: Memory<String, Entry>,
    max_age: Duration,
}

impl StaleAnswers {
    /// Up to `megabytes` of answers, none of which is served when it is older than `max_age`.
    pub fn new(megabytes: u32, max_age: Duration) -> Self {
        Self { memory: memory(megabytes), max_age }
    }

    /// The newest answer for `key`, unless it is too old.
    pub async fn get(&self, key: &Key) -> Option<Entry> {
        let newest = self.memory.get(&key.to_string()).await?;
        (newest.as_of.elapsed() <= self.max_age).then_some(newest)
    }

    /// Keeps `entry` as the newest answer for `key`.
    pub async fn keep(&self, key: &Key, entry: &Entry) {
        let entry = Entry { ttl: self.max_age, ..entry.clone() };
        self.memory.insert(key.to_string(), entry).await;
    }
}
