//! The process around the API: its sockets, its log, and the watch over what it depends on.

pub mod access_log;
mod caught;
pub mod exchange;
pub mod issuer;
pub mod log;
mod observe;
pub mod repeated;
pub mod server;
pub mod watch;
