//! Values that were made lately, by the hash of what they were made for, in a bounded memory and for a bounded time.

use moka::sync::Cache as Memory;
use std::sync::Arc;
use std::time::Duration;

/// The values.
pub struct Recent<V>(Memory<u64, Arc<V>>);

impl<V: Send + Sync + 'static> Recent<V> {
    /// Up to so many megabytes of values, each for `kept_max` at most. `bytes` says what one takes.
    #[must_use]
    pub fn new(megabytes: u32, kept_max: Duration, bytes: fn(&V) -> usize) -> Self {
        let weight = move |_: &u64, value: &Arc<V>| u32::try_from(bytes(value)).unwrap_or(u32::MAX);
        let capacity = u64::from(megabytes) << 20;
        Self(Memory::builder().max_capacity(capacity).weigher(weight).time_to_live(kept_max).build())
    }

    /// The value of this hash.
    #[must_use]
    pub fn get(&self, hash: u64) -> Option<Arc<V>> {
        self.0.get(&hash)
    }

    /// Keeps a value, in the place of an earlier one of this hash.
    pub fn keep(&self, hash: u64, value: V) {
        self.0.insert(hash, Arc::new(value));
    }
}
