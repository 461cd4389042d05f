//! `consumer migrate`: brings the schema up to date.

use crate::command_line::Migrate;
use crate::operator::Advance;
use crate::settings::BadSetting;
use crate::store::{self, Server};
use migrations::{Distribution, Told};
use std::time::{Duration, Instant};

/// How long to wait for the database, which often starts at the same time as the job that migrates it.
const DATABASE_WAIT_MAX: Duration = Duration::from_secs(60);
const DATABASE_WAIT: Duration = Duration::from_millis(500);

/// Applies the migrations that the database lacks, drops what the former version needs if that is asked for, and distributes the
/// tables over nodes if that is.
///
/// # Errors
/// When the database stays away, or a migration fails or was changed after it had been applied.
pub async fn migrate(settings: &Migrate) -> anyhow::Result<()> {
    let deadline = Instant::now() + DATABASE_WAIT_MAX;
    let server = Server::new(&settings.database)?;
    let mut client = loop {
        match server.connect().await {
            Ok(client) => break client,
            Err(store::Error::Unusable(why)) => return Err(BadSetting(why).into()),
            Err(error) if Instant::now() < deadline => {
                tracing::warn!(%error, "PostgreSQL is away; trying again");
                tokio::time::sleep(DATABASE_WAIT).await;
            }
            Err(error) => anyhow::bail!("PostgreSQL is away: {error}"),
        }
    };
    if settings.dry_run {
        foretell(&migrations::distribution(&client).await.map_err(explained)?);
        return Ok(());
    }
    let mut advance = Advance::start();
    let mut tell = |told: Told| say(&mut advance, told);
    let applied = migrations::migrate(&mut client, &mut tell).await.map_err(explained)?;
    let later = migrations::later(&client).await?;
    if !later.is_empty() {
        let has = later.join(", ");
        tracing::info!(
            has,
            "the schema is newer than this version of the consumer, which goes on with it; nothing is changed"
        );
    } else if applied.is_empty() {
        tracing::info!("the schema is up to date");
    }
    for migration in applied {
        tracing::info!(migration, "applied");
    }
    if settings.finish && migrations::finish(&mut client, &mut tell).await.map_err(explained)? {
        tracing::info!("dropped what only the former version needs");
    } else if let Some(kept) = migrations::kept(&client).await.map_err(explained)? {
        tracing::info!("{kept}");
    }
    if settings.distribute {
        let done = migrations::distribute(&mut client, &mut tell).await.map_err(explained)?;
        tracing::info!("{}", if done { "distributed" } else { "all tables by organization are distributed" });
    }
    Ok(())
}

/// Says what distributing would do.
fn foretell(tables: &[Distribution]) {
    for Distribution { table, is_done, rows } in tables {
        let what = if *is_done { "is distributed" } else { "would be distributed by organization" };
        tracing::info!(table, rows, "{what}");
    }
    tracing::info!("nothing is changed: this is a dry run");
}

/// Logs what a migration tells.
fn say(advance: &mut Advance, told: Told) {
    match told {
        Told::Waits(what) => tracing::warn!("waiting for {what}; trying again"),
        Told::Builds { index } => tracing::info!(index, "building an index; members count meanwhile"),
        Told::Distributes { table, rows } => {
            tracing::info!(table, rows, "distributing by organization; members count meanwhile");
        }
        Told::Advanced { what, done, total } => {
            let percent = 100 * done / total.max(1);
            advance.at(format_args!("{what}: {done} of about {total} rows, {percent} %"));
        }
    }
}

fn explained(error: migrations::Error) -> anyhow::Error {
    match error {
        migrations::Error::Unusable(why) => BadSetting(why).into(),
        error @ (migrations::Error::Database(_)
        | migrations::Error::Migration(_)
        | migrations::Error::Locked(_)
        | migrations::Error::Unfinished(_)
        | migrations::Error::Undistributable(_)) => error.into(),
    }
}
