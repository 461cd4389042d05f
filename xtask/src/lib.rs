//! What a developer or a newcomer types. Built in seconds, it says what will be done and how long that takes, and has
//! cargo build the program that does it.
//!
//! ```text
//! demo    build the system, fetch Kafka, build the page: at once; then the demo itself
//! verify  every check, one after the other
//! door    bench, chaos, simulate, services: programs of their own
//! ```

pub mod demo;
pub mod door;
pub mod verify;
