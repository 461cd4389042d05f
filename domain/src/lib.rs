//! What the consumer and the query API must agree on, and nothing else: buckets of time, the eight counters, hours whose
//! counters can't be right, histograms of durations, names of channels, sentences for refusals, and the keys of the cache. Pure:
//! no I/O, no clock.

mod bucket;
mod cache_key;
pub mod channels;
mod counters;
mod durations;
pub mod excess;
pub mod reasons;

pub use bucket::{BucketSize, Quarter};
pub use cache_key::CacheKeys;
pub use counters::Counters;
pub use durations::Durations;
