//! A transaction that may write. One that isn't committed is rolled back: its connection is closed.

use crate::store::connections::Lent;
use crate::store::error::Error;
use deadpool_postgres::Object;
use std::ops::Deref;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The transaction.
pub struct Write {
    client: Lent,
}

impl Write {
    /// Begins one on this connection. PostgreSQL ends it if its owner hangs, so that nobody waits for its locks.
    pub async fn begin(client: Lent) -> Result<Self, Error> {
        client
            .batch_execute(
                "start transaction read write; set local idle_in_transaction_session_timeout = '20s'",
            )
            .await?;
        Ok(Self { client })
    }

    /// Commits it.
    pub async fn commit(self) -> Result<(), Error> {
        let committed = self.client.batch_execute("commit").await.map_err(Error::from);
        self.client.give_back(committed)
    }

    /// The rows of a statement.
    pub async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        let statement = self.prepare_cached(sql).await?;
        Ok(self.query(&statement, parameters).await?)
    }

    /// The row of a statement that has one at most.
    pub async fn row(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        let statement = self.prepare_cached(sql).await?;
        Ok(self.query_opt(&statement, parameters).await?)
    }

    /// How many rows a statement has changed.
    pub async fn change(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        let statement = self.prepare_cached(sql).await?;
        Ok(self.execute(&statement, parameters).await?)
    }
}

impl Deref for Write {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.client
    }
}
