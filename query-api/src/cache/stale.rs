//! Stale answers: the newest answer for each key, whatever its version, for when no fresh one can be had.

use crate::cache::entry::Entry;
use crate::cache::key::Key;
use crate::cache::memory::Memory;
use std::time::{Duration, Instant};

/// The newest answer for each key.
pub struct StaleAnswers {
    memory: Memory<String, Entry>,
    max_age: Duration,
}

impl StaleAnswers {
    /// Up to `megabytes` of answers, none of which is served when it is older than `max_age`.
    pub fn new(megabytes: u32, max_age: Duration) -> Self {
        Self { memory: Memory::new(megabytes), max_age }
    }

    /// The newest answer for `key`, unless it is too old.
    pub fn get(&self, key: &Key) -> Option<Entry> {
        let newest = self.memory.get(&*key.to_string(), Instant::now())?;
        (newest.as_of.elapsed() <= self.max_age).then_some(newest)
    }

    /// Keeps `entry` as the newest answer for `key`.
    pub fn keep(&self, key: &Key, entry: &Entry) {
        let (question, now) = (key.to_string(), Instant::now());
        let terms = entry.terms(&key.organization, &question, entry.as_of + self.max_age);
        self.memory.keep(question, entry.clone(), terms, now);
    }
}
