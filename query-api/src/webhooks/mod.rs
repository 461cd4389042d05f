//! Webhooks: what an organization is told of its alerts, how that is signed, and where it may be sent. Pure.
//!
//! ```text
//! settings   what operators decide
//! told       what was told, what the alerts are now: what is to be told
//! message    the body of a message
//! secret     secrets, and signatures by them
//! outcome    what an attempt has come to, and what follows
//! schedule   when the next attempt is due
//! networks   addresses that may be connected to
//! endpoint   where messages are sent, as requests name it and answers show it
//! delivery   a message to an endpoint, as answers show it
//! ```
//!
//! Headers, signature, schedule and the meaning of 410 are those of [Standard Webhooks](https://www.standardwebhooks.com).

pub mod delivery;
pub mod endpoint;
pub mod message;
pub mod networks;
pub mod outcome;
pub mod schedule;
pub mod secret;
pub mod settings;
pub mod told;

pub use settings::Settings;
