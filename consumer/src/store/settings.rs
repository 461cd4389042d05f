//! `DATABASE_URL`.

use clap::Args;
use tokio_postgres::config::TargetSessionAttrs;

/// Where PostgreSQL is.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// PostgreSQL 15 or newer, as postgres://user:password@host:port/database; add ?sslmode=require for TLS. Of several hosts,
    /// separated by commas, the primary is used.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = database)]
    pub database_url: tokio_postgres::Config,
}

impl Database {
    /// What is wrong with it, in a sentence that names the variable.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let url = &self.database_url;
        let complete = !url.get_hosts().is_empty() && url.get_user().is_some();
        (!complete).then(|| format!("DATABASE_URL must name a host and a user, like {DATABASE_EXAMPLE}"))
    }
}

fn database(text: &str) -> Result<tokio_postgres::Config, String> {
    let config = database::of_url(text);
    let mut config = config.ok_or_else(|| format!("it is written like {DATABASE_EXAMPLE}"))?;
    // Of several hosts, or of one that was demoted, only a primary will do.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    Ok(config)
}

/// An example of a correct one.
pub const DATABASE_EXAMPLE: &str = "postgres://user:password@host:port/database";
