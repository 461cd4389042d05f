//! The rules that readers of foreign bytes must keep, whatever the bytes: the bodies of the fuzz targets.
//!
//! ```text
//! fuzz/fuzz_targets/x.rs   cargo fuzz, for hours   \
//!                                                    x::check(bytes): panics if a rule is broken
//! hostile/tests/bounded.rs cargo test, for seconds /
//! ```
//!
//! Both start with the seeds in `fuzz/corpus/`.

pub mod document;
pub mod ledger;
pub mod query;
pub mod record;
pub mod token;
mod verdict;

pub use verdict::Verdict;

/// A target: its name, which is also that of its corpus, and its body.
pub type Target = (&'static str, fn(&[u8]) -> Verdict);

/// All targets.
pub const TARGETS: [Target; 5] = [
    ("record", record::check),
    ("ledger", ledger::check),
    ("query", query::check),
    ("token", token::check),
    ("document", document::check),
];
