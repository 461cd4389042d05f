//! An operator's connection. A command that fails says so and ends, so nothing is tried again here.

use super::Error;
use super::connect::Server;
use super::counter_statements::Pending;
use chrono::{DateTime, Utc};
use tokio_postgres::{Client, Config};

/// An operator's open connection: a client without prepared statements. A [`super::Connection`] is a member's.
pub struct OperatorConnection {
    pub(super) client: Client,
}

impl OperatorConnection {
    /// Connects.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or lacks migrations.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        let client = Server::new(config)?.connect().await?;
        if let Some(why) = migrations::unusable(&client).await? {
            return Err(Error::Unusable(why));
        }
        let missing = migrations::missing(&client).await?;
        if missing.is_empty() { Ok(Self { client }) } else { Err(Error::SchemaBehind(missing.join(", "))) }
    }

    /// Whether an upgrade is not finished, so that triggers write some of the tables.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn is_upgrading(&self) -> Result<bool, Error> {
        Ok(Pending::of(&self.client).await?.is_any())
    }

    /// The time by the database's clock, which stamps its rows.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn now(&self) -> Result<DateTime<Utc>, Error> {
        Ok(self.client.query_one("select now()", &[]).await?.get(0))
    }
}
