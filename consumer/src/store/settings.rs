//! Where PostgreSQL is: the settings that both binaries have.

pub use database::Settings as Database;
