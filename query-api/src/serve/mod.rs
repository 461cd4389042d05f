//! The process: its sockets, its log and metrics, and who listens for changes.

pub mod log;
pub mod observe;
pub mod server;
pub mod streams;
