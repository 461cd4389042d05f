//! The commands of developers and newcomers. This program is built in seconds. It announces the work and how long it takes, and
//! lets cargo build the program that does it.
//!
//! ```text
//! demo    build the system, fetch Kafka, build the page, in parallel; then the demo itself
//! verify  every check, one after the other
//! door    bench, chaos, simulate, images, kubernetes, services: programs of their own
//! ```

pub mod demo;
pub mod door;
pub mod verify;
