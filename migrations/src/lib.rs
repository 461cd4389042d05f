//! The database schema: `sql/V*.sql`, embedded at build, and the one way to apply it.
//!
//! A migration is never edited once it has landed; a database that was migrated by another text says so.

use tokio_postgres::Client;

mod embedded {
    refinery::embed_migrations!("sql");
}

/// The advisory lock two migrations at once take turns by. Any constant will do; this one spells "metrics\0".
const LOCK: i64 = 0x6d65_7472_6963_7300;

/// Why a migration did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// PostgreSQL failed, or went away.
    #[error("the database failed while migrating: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// The history in the database and the embedded files disagree, or a statement failed.
    #[error("{0}")]
    Migration(#[from] refinery::Error),
}

/// Brings the schema up to date and returns what was applied, as `V1__name`; empty when there was nothing to do.
///
/// # Errors
/// When the database fails, or when its history names another text for a migration than the one embedded here.
pub async fn migrate(client: &mut Client) -> Result<Vec<String>, Error> {
    client.execute("select pg_advisory_lock($1)", &[&LOCK]).await?;
    let outcome = embedded::migrations::runner().set_abort_divergent(true).run_async(client).await;
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(outcome?.applied_migrations().iter().map(ToString::to_string).collect())
}

/// The migrations the database still lacks, as `V1__name`. A database never migrated lacks all.
///
/// # Errors
/// When the database fails.
pub async fn missing(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    let exists =
        client.query_one("select to_regclass('refinery_schema_history') is not null", &[]).await?.get(0);
    let applied: Vec<i32> = if exists {
        let rows = client.query("select version from refinery_schema_history", &[]).await?;
        rows.iter().map(|row| row.get(0)).collect()
    } else {
        Vec::new()
    };
    let all = embedded::migrations::runner();
    let missing = all
        .get_migrations()
        .iter()
        .filter(|m| !applied.iter().any(|v| i64::from(*v) == i64::from(m.version())));
    Ok(missing.map(ToString::to_string).collect())
}
