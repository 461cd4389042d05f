//! The third book: what the tables must be, from the records alone.
//!
//! ```text
//! value -> content -> refusal? -> says -> entry -> sorter (on disk) -> identities, but those that are erased -> cells, channels
//! ```
//! The consumer's books, its ledger and its counters, take the same decisions. This crate applies the contract again, and shares
//! nothing with the code that counts but the generated protobuf. It keeps whole identities where the ledger keeps fingerprints,
//! and sorts them on disk, so that its memory is bounded whatever it is given.

pub mod cells;
pub mod channels;
pub mod cloud_event;
pub mod content;
pub mod declared;
pub mod entry;
pub mod erased;
pub mod identities;
pub mod json;
pub mod protobuf;
pub mod refusal;
pub mod says;
pub mod sorter;
pub mod value;

pub use cells::{Cell, Width};
pub use channels::FirstNames;
pub use content::{Content, Kind, View};
pub use declared::{Declared, declared};
pub use entry::{Effect, Entry, Run};
pub use erased::Erased;
pub use identities::{Identities, Identity};
pub use refusal::{Horizon, refusal};
pub use says::{Says, says};
pub use sorter::{Merge, Sorter};
pub use value::read;

#[cfg(test)]
mod law_tests;
