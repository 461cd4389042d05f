//! Generated load, and the independent recount of it.
//!
//! ```text
//! company -> upstream -> load | history -> produce -> Kafka -> (the system) -> PostgreSQL
//!                            \-> truth ------------------------> check <-------/
//! ```
//! This crate shares only the generated messages with the consumer, so equal results were computed by different code.

pub mod check;
pub mod company;
pub mod flaw;
pub mod format;
pub mod history;
pub mod load;
pub mod message;
pub mod mix;
pub mod murmur2;
pub mod produce;
pub mod produced;
pub mod rng;
pub mod trouble;
pub mod truth;
pub mod upstream;

pub use check::{Differences, check, check_counters};
pub use company::Company;
pub use flaw::Flaw;
pub use format::Format;
pub use history::History;
pub use load::Load;
pub use message::{Kind, Message};
pub use mix::Mix;
pub use produce::{Producer, Topics};
pub use produced::Produced;
pub use recount::Horizon;
pub use rng::Rng;
pub use trouble::Trouble;
pub use truth::{Tally, Truth};
pub use upstream::Upstream;
