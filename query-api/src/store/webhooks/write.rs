//! A transaction that may write. One that isn't committed is rolled back: its connection is closed.

use crate::store::connections::Lent;
use crate::store::error::Error;
use deadpool_postgres::Object;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The transaction.
pub struct Write {
    client: Lent,
}

impl Write {
    /// Begins one on this connection. PostgreSQL ends it if its owner hangs, so that nobody waits for its locks.
    pub async fn begin(client: Lent) -> Result<Self, Error> {
        let begin = "start transaction read write; set local idle_in_transaction_session_timeout = '20s'";
        client.within(|client| execute(client, begin)).await?;
        Ok(Self { client })
    }

    /// Commits it.
    pub async fn commit(self) -> Result<(), Error> {
        let committed = self.client.within(|client| execute(client, "commit")).await;
        self.client.give_back(committed)
    }

    /// The rows of a statement.
    pub async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
        self.client.within(|client| rows(client, sql, parameters)).await
    }

    /// The row of a statement that has one at most.
    pub async fn row(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
        self.client.within(|client| row(client, sql, parameters)).await
    }

    /// How many rows a statement has changed.
    pub async fn change(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
        self.client.within(|client| change(client, sql, parameters)).await
    }
}

/// Executes what has no parameters and no rows.
async fn execute(client: &Object, sql: &str) -> Result<(), Error> {
    Ok(client.batch_execute(sql).await?)
}

async fn rows(client: &Object, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, parameters).await?)
}

async fn row(client: &Object, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, Error> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query_opt(&statement, parameters).await?)
}

async fn change(client: &Object, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64, Error> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, parameters).await?)
}
