//! What a developer or a newcomer types, and what the whole-system tests stand on: services found or started,
//! programs built and run, none of them ever left behind.
//!
//! ```text
//! environment -> services  Kafka, PostgreSQL, Redis: given, else started here, else said to be missing
//!                   |
//!                 server   a program that can be killed, stopped, paused and started again in place
//!                   |
//!                 process  one child, which ends when we do, however we end
//! ```

pub mod environment;
pub mod process;
pub mod program;
pub mod server;
pub mod services;
pub mod user;

pub mod bench;
pub mod chaos;
pub mod demo;
pub mod simulate;
pub mod verify;

pub mod binaries;
pub mod dashboard;
mod http;
pub mod port;
pub mod say;
mod token;
pub mod wait;
pub mod workspace;
