//! Programs run as our child processes, none of which outlives us.

pub mod process;
pub mod program;
pub mod server;
pub mod usage;
pub mod user;
