//! `consumer migrate`: brings the schema up to date.

use crate::command_line::Migrate;
use crate::store;
use std::time::{Duration, Instant};

/// How long to wait for the database, which often starts at the same time as the job that migrates it.
const DATABASE_WAIT_MAX: Duration = Duration::from_secs(60);
const DATABASE_WAIT: Duration = Duration::from_millis(500);

/// Applies the migrations that the database lacks.
///
/// # Errors
/// When the database stays away, or a migration fails or was changed after it had been applied.
pub async fn migrate(settings: &Migrate) -> anyhow::Result<()> {
    let deadline = Instant::now() + DATABASE_WAIT_MAX;
    let mut client = loop {
        match store::connect(&settings.database.database_url).await {
            Ok(client) => break client,
            Err(error) if Instant::now() < deadline => {
                tracing::warn!(%error, "PostgreSQL is away; trying again");
                tokio::time::sleep(DATABASE_WAIT).await;
            }
            Err(error) => anyhow::bail!("PostgreSQL is away: {error}"),
        }
    };
    let applied = migrations::migrate(&mut client).await?;
    if applied.is_empty() {
        tracing::info!("the schema is up to date");
    }
    for migration in applied {
        tracing::info!(migration, "applied");
    }
    Ok(())
}
