//! A seeded simulation of counting exactly once: members, Kafka and PostgreSQL in one thread, where everything that can
//! happen in another order does, under one seed or another.
//!
//! ```text
//! producer -> kafka -> member (the production code: fold, decide, remember, rows) -> statement -> database -> tables
//!             group ->                                                                                         |
//! weather: what goes wrong      operator: what people do                          recount: what must be    ----/
//! world: the scheduler          trace: what happened
//! ```
//! A seed decides everything: there is no clock, no thread, no order of a hash map in it. What agrees in the end was
//! computed twice, by code that shares nothing but the records' format.

pub mod cuts;
pub mod database;
pub mod defect;
pub mod group;
pub mod kafka;
pub mod ledger;
pub mod member;
pub mod operator;
pub mod outside;
pub mod producer;
pub mod recount;
pub mod run;
pub mod statement;
pub mod tables;
pub mod trace;
pub mod weather;
pub mod world;

pub use defect::Defect;
pub use run::{Outcome, Summary, many, one};
