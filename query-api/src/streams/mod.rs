//! Streams: they send clients an event when their organization's numbers have changed.
//!
//! ```text
//! follow    one task learns the versions, for all streams
//! registry  which streams are open, and the version last announced to each organization's
//! stream    one client's view: what to send next, and when to end
//! ```
//!
//! A version means "fetch again" and nothing else: any number but the last one sent will do. So versions from Redis and
//! from PostgreSQL need not match; switching between them costs each stream one unnecessary fetch.

pub mod follow;
mod registry;
mod stream;

pub use registry::{Settings, Streams};
pub use stream::{AGE_MAX, Event, Stream};
