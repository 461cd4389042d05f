//! An operator's connection. A command that fails says so and ends, so nothing is tried again here.

use super::Error;
use super::connect::Server;
use super::counter_statements::Pending;
use super::settings::Database;
use crate::settings::BadSetting;
use chrono::{DateTime, Utc};
use tokio_postgres::Client;

/// An operator's open connection: a client without prepared statements. A [`super::Connection`] is a member's.
pub struct OperatorConnection {
    pub(super) client: Client,
}

impl OperatorConnection {
    /// Connects to the primary.
    ///
    /// # Errors
    /// When PostgreSQL is away, refuses, or lacks migrations.
    pub async fn open(settings: &Database) -> Result<Self, Error> {
        Self::by(Server::new(settings)).await
    }

    /// Connects to a server that may be a standby.
    ///
    /// # Errors
    /// The same.
    pub async fn open_replica(settings: &Database) -> Result<Self, Error> {
        Self::by(Server::replica(settings)).await
    }

    async fn by(server: Result<Server, BadSetting>) -> Result<Self, Error> {
        let server = server.map_err(|bad| Error::Unusable(bad.0))?;
        let client = server.connect().await?;
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
