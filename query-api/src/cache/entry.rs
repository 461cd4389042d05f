//! A kept answer, and the memory of this process that keeps it.

use crate::answer::Answer;
use bytes::Bytes;
use moka::Expiry;
use moka::future::Cache as Memory;
use std::time::{Duration, Instant};

/// What an entry takes beside its key and its body.
const OVERHEAD_BYTES: usize = 256;

/// A kept answer.
#[derive(Clone)]
pub struct Entry {
    /// The answer.
    pub answer: Answer,
    /// A moment before its rows were read: its age counts from here.
    pub as_of: Instant,
    /// For how long it is kept.
    pub ttl: Duration,
    /// Until when it is fresh.
    pub fresh_until: Instant,
}

struct OwnTtl;

impl Expiry<String, Entry> for OwnTtl {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.ttl)
    }
}

/// A memory of that many megabytes, in which each entry has its own TTL.
pub fn memory(megabytes: u32) -> Memory<String, Entry> {
    let weight = |key: &String, entry: &Entry| {
        let bytes = key.len() + Bytes::len(&entry.answer.body) + OVERHEAD_BYTES;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    };
    Memory::builder()
        .max_capacity(u64::from(megabytes) * 1024 * 1024)
        .weigher(weight)
        .expire_after(OwnTtl)
        .build()
}
