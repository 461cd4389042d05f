//! What readers of foreign bytes must hold, whatever the bytes: the bodies of the fuzz targets.
//!
//! ```text
//! fuzz/fuzz_targets/x.rs   cargo fuzz, for hours   \
//!                                                    x::check(bytes): panics where something doesn't hold
//! hostile/tests/bounded.rs cargo test, for seconds /
//! ```
//!
//! Both begin with the seeds in `fuzz/corpus/`.

pub mod ledger;
pub mod query;
pub mod record;
pub mod token;
mod verdict;

pub use verdict::Verdict;

/// A target: its name, which is that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]) -> Verdict);

/// All of them.
pub const TARGETS: [Target; 4] =
    [("record", record::check), ("ledger", ledger::check), ("query", query::check), ("token", token::check)];
