//! Programs run as children of ours, none of them ever left behind.

pub mod process;
pub mod program;
pub mod server;
pub mod usage;
pub mod user;
