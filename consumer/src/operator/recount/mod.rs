//! `consumer recount`: reads the log anew, and compares what the tables must be with what they are.
//!
//! ```text
//! log -> reading -> sorted on disk -> comparing <- tables, in one snapshot
//!          |                             |
//!        state, for a pause            differences
//! ```

mod channels;
mod comparing;
mod differences;
mod doubt;
mod erased;
mod explaining;
mod fixes;
mod judged;
mod reading;
mod repairing;
mod settings;
mod state;

pub use settings::Recount;

use super::console;
use super::ending::Ending;
use crate::record::topic_names::TopicNames;
use crate::settings::BadSetting;
use crate::signals;
use crate::store::{OperatorConnection, TablesSnapshot};
use anyhow::Context as _;
use comparing::Comparing;
use doubt::Doubt;
use erased::Log;
use explaining::Explaining;
use judged::Judged;
use reading::{Reading, Unsure};
use state::State;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Offsets that are read while the tables' snapshot is open. More are read before it is opened, since it holds vacuum back.
const LAST_OFFSETS: i64 = 1_000_000;

/// Recounts.
///
/// # Errors
/// When Kafka, PostgreSQL or the state's folder can't be read.
pub async fn recount(settings: &Recount) -> anyhow::Result<Ending> {
    let chosen = settings.chosen()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (signal, stopped) = (signals::stop_signal()?, Arc::clone(&stop));
    tokio::spawn(async move {
        signal.await;
        stopped.store(true, Ordering::Relaxed);
    });
    let mut connection = open(settings).await?;
    let lookups = open(settings).await?;
    if settings.repair && lookups.is_upgrading().await.context("PostgreSQL")? {
        return Err(BadSetting(
            "an upgrade is not finished, whose triggers would change what is repaired: run `consumer migrate --finish` first"
                .into(),
        )
        .into());
    }
    let state = State::open(&settings.state, &chosen)?;
    let names = settings.names.clone();
    let (now, floor) =
        (lookups.now().await.context("PostgreSQL")?, lookups.floor_or_min().await.context("PostgreSQL")?);
    let erased = erased::of_tables(&lookups.erasures().await.context("PostgreSQL")?, &names);
    let unsure = Unsure { doubt: Doubt::new(settings, now, floor), erased };
    let mut reading = Reading::new(settings, names.clone(), state, &lookups, unsure, Arc::clone(&stop))?;
    let topics: Vec<&str> = chosen.topics.iter().map(String::as_str).collect();
    // The snapshot holds vacuum back, so nearly all of the log is read before it is opened.
    let seen = lookups.seen_by_the_ledger(&topics).await.context("PostgreSQL")?;
    while reading.aim(lookups.standing(&topics).await.context("PostgreSQL")?, &seen)? > LAST_OFFSETS {
        if !reading.read().await? {
            return paused(settings);
        }
    }
    let snapshot = connection.tables().await.context("PostgreSQL")?;
    reading.aim(snapshot.standing(&topics).await.context("PostgreSQL")?, &seen)?;
    if !reading.read().await? {
        return paused(settings);
    }
    let state = reading.settle()?;
    let Some(ending) = compared(settings, &state, &snapshot, &names, &stop).await? else {
        return paused(settings);
    };
    if ending == Ending::Good {
        state.delete()?;
    } else {
        let folder = settings.state.display();
        console::tell(format_args!(
            "what was read is kept in {folder}: a recount with the same filters reads on from there; delete it to begin anew"
        ));
    }
    Ok(ending)
}

/// Compares, explains and repairs; `None` if it was stopped.
async fn compared(
    settings: &Recount,
    state: &State,
    snapshot: &TablesSnapshot<'_>,
    names: &TopicNames,
    stop: &AtomicBool,
) -> anyhow::Result<Option<Ending>> {
    let judged = Judged::of(state, names, settings.future_skew_max);
    let erasures = snapshot.erasures().await.context("PostgreSQL")?;
    let log = Log { state, judged: &judged, skew: settings.future_skew_max };
    let erased = erased::beside(&log, &erasures, names);
    let mut comparing = Comparing::new(settings, state, snapshot, names, (&judged, &erased), stop).await?;
    if !comparing.compare().await? {
        return Ok(None);
    }
    let wrong = comparing.differences.wrong;
    comparing.differences.report()?;
    if wrong == 0 {
        comparing.report()?;
        console::answer("the tables are equal to the log")?;
        return Ok(Some(Ending::Good));
    }
    let explaining = Explaining::new(snapshot, names).await?;
    let fingerprints = explaining.maker();
    let quarters = &comparing.fixes.quarters;
    let Some(explained) = explaining.explain(state, &erased, quarters, stop).await? else {
        return Ok(None);
    };
    explained.report(settings.limit)?;
    comparing.report()?;
    console::answer(format_args!("{wrong} values differ from the log"))?;
    if !settings.repair {
        return Ok(Some(Ending::Bad));
    }
    if wrong > settings.limit || explained.is_cut {
        return Err(BadSetting(
            "more differs than is repaired at once: narrow the filters, or raise --limit".into(),
        )
        .into());
    }
    let mut fixes = std::mem::take(&mut comparing.fixes);
    fixes.admit(&explained.culprits, &fingerprints);
    let topics: Vec<&str> = state.chosen.topics.iter().map(String::as_str).collect();
    let stood = snapshot.standing(&topics).await.context("PostgreSQL")?;
    if !settings.dry_run {
        repairing::make_room(&settings.database, &fixes).await?;
    }
    let mut connection = open(settings).await?;
    repairing::repair(&mut connection, &fixes, &stood, &erasures, settings.dry_run).await.map(Some)
}

async fn open(settings: &Recount) -> anyhow::Result<OperatorConnection> {
    OperatorConnection::open(&settings.database).await.context("PostgreSQL")
}

fn paused(settings: &Recount) -> anyhow::Result<Ending> {
    let folder = settings.state.display();
    console::tell(format_args!("paused; run it again with the same settings, and it goes on from {folder}"));
    Ok(Ending::Paused)
}
