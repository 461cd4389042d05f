//! `consumer dead-letters redrive`: publishes refused records again.

mod erased;
mod letters;
mod refused;
mod round;
mod runs;

use super::console::{self, Advance};
use super::dead_letters::Filter;
use super::ending::Ending;
use crate::record::key::Keys;
use crate::settings::BadSetting;
use crate::source::cluster;
use crate::store::settings::Database;
use crate::store::{LetterFilter, OperatorConnection, Redriven};
use anyhow::{Context as _, bail};
use erased::Erased;
use round::{Round, Selected};

/// Settings of `consumer dead-letters redrive`.
#[derive(Debug, clap::Args)]
pub struct Redrive {
    /// PostgreSQL, where the dead letters are.
    #[command(flatten)]
    pub database: Database,
    /// Kafka, where they go.
    #[command(flatten)]
    pub cluster: cluster::Settings,
    /// Which are redriven.
    #[command(flatten)]
    pub filter: Filter,
    /// How topics' keys are placed.
    #[command(flatten)]
    pub keys: Keys,
    /// Redrive all dead letters. Without it at least one filter must be given.
    #[arg(long)]
    pub all: bool,
    /// Also redrive those that were redriven before.
    #[arg(long)]
    pub again: bool,
    /// How often a record is redriven at most. A record that is refused every time needs to be repaired instead.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub redrives_max: u32,
    /// Report what would be redriven, and publish nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Redrives them.
///
/// # Errors
/// When PostgreSQL or Kafka doesn't answer, an erasure is under way, or Kafka doesn't take a record. What was done is marked, and the command can be
/// run again.
pub async fn redrive(settings: &Redrive) -> anyhow::Result<Ending> {
    let mut filter = settings.filter.letters();
    if filter == LetterFilter::default() && !settings.all {
        return Err(BadSetting("give a filter to select dead letters, or --all".into()).into());
    }
    let connection = OperatorConnection::open(&settings.database).await.context("PostgreSQL")?;
    if !settings.dry_run && !connection.may_redrive().await.context("PostgreSQL")? {
        bail!(
            "an organization is being erased, and its records would count again: wait until `consumer erase` has ended; if it was paused, \
             run it again first (the table erasures names it)"
        );
    }
    // No other boundary is drawn while this connection lives, unless this is a dry run.
    let erased = Erased::by(connection.drawn_erasures().await.context("PostgreSQL")?);
    // Records refused from now on are not selected, above all those that this command publishes.
    let now = connection.now().await.context("PostgreSQL")?;
    filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
    let selected = Selected { filter, redriven: if settings.again { Redriven::Too } else { Redriven::Not } };
    let count = selected.count(&connection).await.context("PostgreSQL")?;
    let mut round =
        Round::new(&settings.cluster, &settings.keys, erased, settings.redrives_max, settings.dry_run)?;
    let done = all(&mut round, &connection, &selected, count).await;
    let tally = round.tally;
    console::answer(tally.in_words(settings.dry_run, settings.redrives_max))?;
    done.with_context(|| format!("{} of {count} were redriven; run it again to continue", tally.redriven))?;
    Ok(if tally.held_back() == 0 { Ending::Good } else { Ending::Bad })
}

async fn all(
    round: &mut Round,
    connection: &OperatorConnection,
    selected: &Selected,
    count: i64,
) -> anyhow::Result<()> {
    let mut advance = Advance::start();
    letters::redrive(round, connection, selected, count, &mut advance).await?;
    runs::redrive(round, connection, selected, &mut advance).await
}
