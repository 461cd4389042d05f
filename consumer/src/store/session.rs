//! A connection for an operator's command: one attempt, and no statements prepared for batches.

use super::{Error, connect};
use chrono::{DateTime, Utc};
use tokio_postgres::{Client, Config};

/// An open connection to a database whose schema is up to date.
pub struct Session {
    pub(super) client: Client,
}

impl Session {
    /// Connects.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or lacks migrations.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        let client = connect(config).await?;
        let missing = migrations::missing(&client).await?;
        if missing.is_empty() { Ok(Self { client }) } else { Err(Error::SchemaBehind(missing.join(", "))) }
    }

    /// The time by the database's clock, which stamps its rows.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn now(&self) -> Result<DateTime<Utc>, Error> {
        Ok(self.client.query_one("select now()", &[]).await?.get(0))
    }
}
