//! Which of Kafka, PostgreSQL, Redis, Node.js and a browser this machine has, and how the missing ones are obtained.
//!
//! ```text
//! environment -> kafka (java, fetched) | postgres | redis -> plan    nothing is started here
//!             -> pooler | prometheus                      what stories about poolers and alerts need
//!             -> page                                     how the dashboard is built and visited
//!             -> examples                                 how producers are built and run
//! ```
//! It has few dependencies, so cargo builds it first, and it can announce the work before the rest is built.

pub mod environment;
pub mod examples;
pub mod fetched;
pub mod java;
pub mod kafka;
pub mod page;
pub mod plan;
pub mod pooler;
pub mod postgres;
pub mod prometheus;
pub mod redis;
pub mod say;
pub mod workspace;
