//! The database schema: `sql/V*.sql`, embedded at build, and the one way to apply it.
//!
//! A migration is never edited once it has landed; a database that was migrated by another text says so. Numbered migrations
//! take a moment, however large the database is: members count meanwhile. What takes longer follows them in steps that can
//! be interrupted and called again. What members of the former version still need is dropped only when asked.

use report::is_lock_timeout;
use std::error::Error as _;
use std::time::Duration;
use tokio_postgres::Client;

mod distribute;
mod filling;
mod indexes;
mod quarters;
mod report;
mod roll_ups;

pub use distribute::{Distribution, distribute, distribution};
pub use report::{Error, Told};

mod embedded {
    refinery::embed_migrations!("sql");
}

/// The advisory lock two migrations at once take turns by. Any constant will do; this one spells "metrics\0".
const LOCK: i64 = 0x6d65_7472_6963_7300;
/// How long a migration waits for a lock: who waits for one makes all others wait behind it.
const LOCK_TIMEOUT: &str = "800ms";
/// Tries to apply the numbered migrations, each of which may meet somebody's lock.
const TRIES_MAX: u32 = 100;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// From now on there are only members that count channels.
const CHANNELS_KNOWN: &str = "update roll_ups set channels_since = now()";

/// The newest numbered migration there is.
pub const NEWEST: i32 = 16;

/// Brings the schema up to date and returns what was applied, as `V1__name`; empty when there was nothing to do. Members count
/// meanwhile. When it is interrupted, calling it again goes on. A schema that is newer than this is left as it is.
///
/// # Errors
/// When the database fails or is unusable, or when its history names another text for a migration than the one embedded here.
pub async fn migrate(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<Vec<String>, Error> {
    if let Some(why) = unusable(client).await? {
        return Err(Error::Unusable(why));
    }
    take_turns(client, told).await?;
    let applied = up_to_date(client, told).await;
    give_turn(client).await?;
    applied
}

/// Applies and fills what is missing, unless a later version has been here: what it has dropped must not be made again.
async fn up_to_date(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<Vec<String>, Error> {
    let is_newer = !later(client).await?.is_empty() && missing(client).await?.is_empty();
    if is_newer { Ok(Vec::new()) } else { all(client, told).await }
}

/// Waits until no other migration runs. A session that waited for the lock itself would keep its transaction open, and building
/// an index concurrently waits for that.
async fn take_turns(client: &Client, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    let mut is_told = false;
    while !client.query_one("select pg_try_advisory_lock($1)", &[&LOCK]).await?.get::<_, bool>(0) {
        if !std::mem::replace(&mut is_told, true) {
            told(Told::Waits("another migration to end"));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Lets the next migration run.
async fn give_turn(client: &Client) -> Result<(), Error> {
    client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?;
    Ok(())
}

async fn all(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<Vec<String>, Error> {
    let applied = apply(client, told).await?;
    indexes::replace(client, told).await?;
    quarters::fill(client, told).await?;
    roll_ups::fill(client, told).await?;
    Ok(applied)
}

/// Applies the numbered migrations.
async fn apply(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<Vec<String>, Error> {
    client.batch_execute(&format!("set lock_timeout = '{LOCK_TIMEOUT}'")).await?;
    for _ in 0..TRIES_MAX {
        let runner = embedded::migrations::runner().set_abort_divergent(true);
        match runner.run_async(client).await {
            Ok(report) => return Ok(report.applied_migrations().iter().map(ToString::to_string).collect()),
            Err(error) if causes(&error).any(is_lock_timeout) => told(Told::Waits("a lock on the tables")),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Locked("the tables"))
}

/// Drops what only members of the former version need; returns whether there was anything.
///
/// # Errors
/// When something still needs it, or the database fails. Then nothing is dropped.
pub async fn finish(client: &mut Client, told: &mut dyn FnMut(Told)) -> Result<bool, Error> {
    let later = later(client).await?;
    if !later.is_empty() {
        return Err(Error::Unfinished(vec![newer(&later)]));
    }
    let finished = finished(client).await?;
    if finished >= NEWEST {
        return Ok(false);
    }
    let unfinished = unfinished(client).await?;
    if !unfinished.is_empty() {
        return Err(Error::Unfinished(unfinished));
    }
    client.batch_execute(&format!("set lock_timeout = '{LOCK_TIMEOUT}'")).await?;
    let ends = [(9, quarters::DROP), (10, roll_ups::DROP), (11, CHANNELS_KNOWN)];
    let ends: Vec<&str> = ends.into_iter().filter(|(of, _)| *of > finished).map(|(_, end)| end).collect();
    // Batches hold this lock in share mode to their end, and read what is finished under it.
    let all = format!(
        "lock table ledger_floor in exclusive mode; update ledger_floor set finished = {NEWEST}; {}",
        ends.join("; ")
    );
    end_when_free(client, &all, told).await?;
    Ok(true)
}

/// The newest migration that is finished.
async fn finished(client: &Client) -> Result<i32, Error> {
    Ok(client.query_one("select finished from ledger_floor", &[]).await?.get(0))
}

/// What stands against dropping it, in sentences; none if nothing does.
async fn unfinished(client: &Client) -> Result<Vec<String>, Error> {
    let mut why = Vec::new();
    if !unfilled(client).await?.is_empty() {
        why.push(
            "not everything is filled yet that was counted before: run `consumer migrate` first".to_owned(),
        );
    }
    let older = "select owner, count(*), min(topic || ' ' || kafka_partition) from consumer_progress
                 where owner is not null
                   and (claim_schema is null or claim_schema < $1 or claim_schema_epoch is distinct from epoch)
                 group by owner order by owner";
    for row in client.query(older, &[&NEWEST]).await? {
        let (owner, partitions, first): (&str, i64, &str) = (row.get(0), row.get(1), row.get(2));
        why.push(format!(
            "{partitions} partitions (such as {first}) were last claimed by {owner}, a member of an earlier version: replace it, \
             and let members of this version claim them"
        ));
    }
    Ok(why)
}

/// Does something for which members must be locked out. Those whose batch is under way wait for a moment.
async fn end_when_free(client: &mut Client, end: &str, told: &mut dyn FnMut(Told)) -> Result<(), Error> {
    for _ in 0..TRIES_MAX {
        let transaction = client.transaction().await?;
        match transaction.batch_execute(end).await {
            Ok(()) => return Ok(transaction.commit().await?),
            Err(error) if is_lock_timeout(&error) => told(Told::Waits("a lock on the tables")),
            Err(error) => return Err(error.into()),
        }
        transaction.rollback().await?;
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::Locked("the tables"))
}

/// What is not filled yet of what was counted before the newest migrations, in words; none if everything is. It is filled while
/// members count, but whoever reads must wait for it.
///
/// # Errors
/// When the database fails.
pub async fn unfilled(client: &Client) -> Result<Vec<&'static str>, Error> {
    let quarters = (!quarters::is_filled(client).await?).then_some("quarters of an hour");
    let roll_ups = (!roll_ups::is_filled(client).await?).then_some("workflows by day");
    Ok(quarters.into_iter().chain(roll_ups).collect())
}

/// What the database keeps for members of the former version, in a sentence; `None` if nothing.
///
/// # Errors
/// When the database fails.
pub async fn kept(client: &Client) -> Result<Option<String>, Error> {
    let kept = finished(client).await? < NEWEST;
    Ok(kept.then(|| {
        "what members and query-apis of the former version need is kept, and costs: once none runs, run `consumer migrate \
         --finish`"
            .into()
    }))
}

/// The errors of PostgreSQL among an error's causes.
fn causes(error: &refinery::Error) -> impl Iterator<Item = &tokio_postgres::Error> {
    let mut next = error.source();
    let causes = std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    });
    causes.filter_map(|error| error.downcast_ref())
}

/// Why the database can't hold what is counted, in a sentence that says what to do: records have any character of Unicode.
///
/// # Errors
/// When the database fails.
pub async fn unusable(client: &Client) -> Result<Option<String>, tokio_postgres::Error> {
    let encoding: String = client.query_one("show server_encoding", &[]).await?.get(0);
    Ok((encoding != "UTF8").then(|| {
        format!(
            "DATABASE_URL names a database with the encoding {encoding}, which can't hold every record: make one by \
             `create database NAME encoding 'UTF8' template template0`, and name that"
        )
    }))
}

/// That the schema has later migrations than this version knows, in a sentence that says what to do.
fn newer(later: &[String]) -> String {
    format!(
        "the schema is newer than this version: it has {}; use the version that has made it so",
        later.join(", ")
    )
}

/// Whether the database was ever migrated.
async fn has_history(client: &Client) -> Result<bool, tokio_postgres::Error> {
    Ok(client.query_one("select to_regclass('refinery_schema_history') is not null", &[]).await?.get(0))
}

/// The migrations of later versions that the database has, as `V1__name`.
///
/// # Errors
/// When the database fails.
pub async fn later(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    if !has_history(client).await? {
        return Ok(Vec::new());
    }
    let query = "select 'V' || version || '__' || name from refinery_schema_history where version > $1 order by version";
    Ok(client.query(query, &[&NEWEST]).await?.iter().map(|row| row.get(0)).collect())
}

/// The migrations the database still lacks, as `V1__name`. A database never migrated lacks all.
///
/// # Errors
/// When the database fails.
pub async fn missing(client: &Client) -> Result<Vec<String>, tokio_postgres::Error> {
    let applied: Vec<i32> = if has_history(client).await? {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_migration_is_the_one_that_members_say_they_know() {
        let all = embedded::migrations::runner();
        let newest = all.get_migrations().iter().map(|migration| i64::from(migration.version())).max();
        assert_eq!(newest, Some(i64::from(NEWEST)));
    }
}
