//! What this machine has for the whole system: Kafka, PostgreSQL, Redis, Node.js, a browser; and how what is missing is
//! had.
//!
//! ```text
//! environment -> kafka (java, fetched) | postgres | redis -> plan    without starting anything
//!             -> page                                     what builds and visits the dashboard
//! ```
//! Few dependencies, so that it is built first and can say what will be done before the rest is.

pub mod environment;
pub mod fetched;
pub mod java;
pub mod kafka;
pub mod page;
pub mod plan;
pub mod postgres;
pub mod redis;
pub mod say;
pub mod workspace;
