//! The harness of whole-system stories: real Kafka, PostgreSQL and Redis, the real binaries; each story has its own topics,
//! database and members.
//!
//! ```text
//! Stack     a story's topics, database, consumer group and cache prefix, on services all stories share (or its own)
//!   produce -> consumer() -> until_idle -> counts, dead_letters, differences
//!                                       -> api() -> get
//! ```
//! On a failure the harness panics with a sentence: stories don't handle errors.

mod answer;
mod certificates;
mod clock;
mod collector;
mod counts;
mod dead_letter;
pub mod documented;
mod launch;
mod listening;
mod member;
mod must;
mod receiver;
mod rights;
mod shared;
mod stack;
mod token;

pub use answer::Answer;
pub use certificates::{Authority, Certified, Flaw, put};
pub use collector::{Collected, Collector};
pub use counts::Counts;
pub use dead_letter::DeadLetter;
pub use launch::{Ended, Launch};
pub use listening::{Listening, Word};
pub use member::{Api, Member};
pub use receiver::{Received, Receiver};
pub use rights::{Denied, Operation, Resource};
pub use stack::Stack;
pub use token::Token;

/// The binaries under test, for stories that use nothing else of this harness.
#[must_use]
pub fn binaries() -> ::stack::binaries::Binaries {
    shared::build()
}
