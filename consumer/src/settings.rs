//! The command line and the environment, read here and nowhere else.

use crate::announce;
use crate::source;
use crate::store::upkeep::Retention;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;

/// Counts business records from Kafka into PostgreSQL, each exactly once.
///
/// Every setting is a flag or the environment variable named beside it.
#[derive(Debug, Parser)]
#[command(name = "consumer", version, max_term_width = 100)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Count, until SIGTERM or Ctrl-C. Start as many members as there are partitions, at most.
    Run(Box<Run>),
    /// Bring the database's schema up to date. Safe to run at once with others, and to run again.
    Migrate(Box<Migrate>),
}

/// Settings of `consumer run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// PostgreSQL, where the counters are.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where the records come from.
    #[command(flatten)]
    pub source: source::Settings,
    /// Redis, where changes are announced.
    #[command(flatten)]
    pub announce: announce::Settings,
    /// How long rows are kept.
    #[command(flatten)]
    pub retention: Retention,
    /// Memory for the ledger's pages, in MiB. The quarters of an hour being written should fit: about 10 bytes for
    /// each record of them. Beyond that pages are read again from the database.
    #[arg(long, env = "LEDGER_MEMORY_MB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    pub ledger_memory_mb: u32,
    /// Where health, readiness and Prometheus metrics are served. Keep it off the internet.
    #[arg(long, env = "ADMIN_ADDR", default_value = "127.0.0.1:9090")]
    pub admin_addr: SocketAddr,
}

/// Settings of `consumer migrate`.
#[derive(Clone, Debug, Args)]
pub struct Migrate {
    /// PostgreSQL, whose schema it is.
    #[command(flatten)]
    pub database: Database,
}

/// Where PostgreSQL is.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// PostgreSQL 15 or newer, as postgres://user:password@host:port/database; add ?sslmode=require for TLS.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: tokio_postgres::Config,
}

impl CommandLine {
    /// Reads arguments and environment; complains like any command line, with exit code 2.
    #[must_use]
    pub fn read() -> Self {
        let mut line = Self::parse();
        if let Command::Run(run) = &mut line.command {
            run.source.kafka_config = source::settings::kafka_config(std::env::vars());
            if let Some(wrong) = run.source.wrong() {
                let error = <Self as clap::CommandFactory>::command()
                    .error(clap::error::ErrorKind::ValueValidation, wrong);
                error.exit();
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        <CommandLine as clap::CommandFactory>::command().debug_assert();
    }
}
