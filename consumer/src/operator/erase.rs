//! `consumer erase`: removes everything of an organization, while members count.

mod lag;

use super::console::{self, Advance, bar};
use super::ending::Ending;
use super::moment;
use super::table::{Table, printable};
use crate::announce;
use crate::settings::BadSetting;
use crate::signals;
use crate::store::settings::Database;
use crate::store::{
    Boundary, ErasedTable, Erasure, Error, LetterPlace, OF_BATCHES, OF_SETTINGS, OperatorConnection, RowKey,
    Stepped, Why,
};
use anyhow::{Context as _, bail};
use lag::lagging;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Rows that one step erases at first.
const ROWS_AT_ONCE: i64 = 1_000;
/// Dead letters that one step looks through at first.
const LETTERS_AT_ONCE: i64 = 10_000;
/// How often a step is tried that gives way.
const TRIES_MAX: u32 = 120;
/// How often it is looked whether members have counted everything from before: half a minute.
const CATCH_UP_LOOKS_MAX: u32 = 60;
/// Between two tries, or looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Who may erase.
const ROLE: &str =
    "the role in DATABASE_URL may not erase: use business_metrics_eraser, which deploy/roles.sql makes";
/// What the last step waits for.
const BETWEEN_BATCHES: &str = "moment between the members' batches";

/// Settings of `consumer erase`.
#[derive(Debug, clap::Args)]
pub struct Erase {
    /// PostgreSQL, whose tables have the organization. The role business_metrics_eraser has the rights.
    #[command(flatten)]
    pub database: Database,
    /// Redis, which has its cached answers.
    #[command(flatten)]
    pub announce: announce::Settings,
    /// The organization, by its id.
    #[arg(long)]
    pub organization: String,
    /// Report how many rows would be erased, and change nothing.
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Erase. Nothing but a backup brings it back.
    #[arg(long)]
    pub yes: bool,
    /// Erase though members have not counted all partitions to their ends since this was begun: they are stopped, or catch up. What
    /// they have yet to count of the organization counts afterwards, however old it is. Without this the command waits for half a
    /// minute, and then refuses.
    #[arg(long, requires = "yes")]
    pub despite_lag: bool,
}

/// Erases the organization, or reports what that would do.
///
/// # Errors
/// When PostgreSQL or Redis fails, or others hold locks for too long. What is erased stays so, and the command can be run again.
pub async fn erase(settings: &Erase) -> anyhow::Result<Ending> {
    erase_or_report(settings).await.map_err(with_role)
}

/// Names the role that has the rights to erase, where one is missing.
fn with_role(error: anyhow::Error) -> anyhow::Error {
    let is_about_rights = error.downcast_ref::<Error>().is_some_and(Error::is_about_rights);
    if is_about_rights { error.context(ROLE) } else { error }
}

async fn erase_or_report(settings: &Erase) -> anyhow::Result<Ending> {
    if settings.organization.is_empty() {
        return Err(BadSetting("--organization must be an organization's id".into()).into());
    }
    if let Some(wrong) = settings.announce.wrong() {
        return Err(BadSetting(wrong).into());
    }
    let connection = OperatorConnection::open(&settings.database).await.context("PostgreSQL")?;
    refuse(&connection).await?;
    let organization = &*settings.organization;
    let under_way = connection.erasure_of(organization).await.context("PostgreSQL")?;
    let rows = connection.rows_of(organization).await.context("PostgreSQL")?;
    let total: i64 = rows.iter().map(|(_, rows)| rows).sum();
    foretell(organization, &rows, total)?;
    if settings.dry_run {
        console::tell("nothing is changed");
        return Ok(Ending::Good);
    }
    if !settings.yes {
        if total == 0 && under_way.is_none() {
            return Ok(Ending::Good);
        }
        return Err(BadSetting("nothing is erased: it can't be undone, so say --yes".into()).into());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (signal, stopped) = (signals::stop_signal()?, Arc::clone(&stop));
    tokio::spawn(async move {
        signal.await;
        stopped.store(true, Ordering::Relaxed);
    });
    let work = Work { connection, stop, advance: Advance::start(), done: 0, total };
    work.erase(settings).await
}

/// Refuses where rows might be left, or triggers would write what is erased.
async fn refuse(connection: &OperatorConnection) -> anyhow::Result<()> {
    if connection.is_upgrading().await.context("PostgreSQL")? {
        let why = "an upgrade is not finished, whose triggers write what is erased: run `consumer migrate --finish` first";
        return Err(BadSetting(why.into()).into());
    }
    let unknown = connection.tables_of_later_versions().await.context("PostgreSQL")?;
    if !unknown.is_empty() {
        let tables = unknown.join(", ");
        let why = format!(
            "this version doesn't know {tables}, which may have the organization: use the version that made them"
        );
        return Err(BadSetting(why).into());
    }
    Ok(())
}

/// Says how many rows there are.
fn foretell(organization: &str, rows: &[(&'static str, i64)], total: i64) -> std::io::Result<()> {
    let organization = printable(organization);
    if total == 0 {
        return console::answer(format_args!("no table has anything of {organization}"));
    }
    console::answer(format_args!("the tables have {total} rows of {organization}"))?;
    let found = rows.iter().filter(|(_, rows)| *rows > 0);
    console::answer(table(found.map(|(name, rows)| ((*name).to_owned(), *rows))))
}

fn table(rows: impl Iterator<Item = (String, i64)>) -> Table<2> {
    let mut table = Table::new(["TABLE", "ROWS"]);
    rows.for_each(|(name, rows)| table.add([name, rows.to_string()]));
    table
}

/// An erasure being carried out.
struct Work {
    connection: OperatorConnection,
    stop: Arc<AtomicBool>,
    advance: Advance,
    /// How many rows are erased, and how many there were at the beginning.
    done: i64,
    total: i64,
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Done,
    Stopped,
}

impl Work {
    async fn erase(mut self, settings: &Erase) -> anyhow::Result<Ending> {
        if self.take_turn().await? == Part::Stopped {
            return Ok(paused());
        }
        let under_way = self.connection.erasure_of(&settings.organization).await.context("PostgreSQL")?;
        if self.until_complete(under_way.as_ref(), settings.despite_lag).await? == Part::Stopped {
            return Ok(paused());
        }
        let Some(erasure) = self.begin(&settings.organization, under_way).await? else {
            // An earlier run may have had no Redis.
            console::tell(forget(settings).await?);
            return Ok(Ending::Good);
        };
        if self.carry_out(&erasure).await? == Part::Stopped {
            return Ok(paused());
        }
        let forgotten = forget(settings).await?;
        let (ended_at, rows) = self.connection.end_erasure(erasure.id).await.context("PostgreSQL")?;
        drop(self.advance);
        let Erasure { id, organization, begun_at, begun_by, .. } = &erasure;
        let [begun, ended] = [*begun_at, ended_at].map(|time| moment::shown(Some(time)));
        console::answer(format_args!(
            "erased {}: erasure {id}, begun {begun} by {begun_by}, ended {ended}",
            printable(organization)
        ))?;
        console::answer(table(rows.into_iter()))?;
        console::tell(forgotten);
        console::tell(
            "Kafka has the records until its retention deletes them, and backups have what they had: docs/runbooks/erase.md",
        );
        Ok(Ending::Good)
    }

    /// Waits until nobody else erases, or redrives.
    async fn take_turn(&mut self) -> anyhow::Result<Part> {
        while !self.connection.may_erase().await.context("PostgreSQL")? {
            if self.is_stopped() {
                return Ok(Part::Stopped);
            }
            self.advance.at("waiting for another erasure, or a redrive, to end");
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Part::Done)
    }

    /// Waits until each partition was counted to its end at some moment since the erasure began, or, before it has, since now: so
    /// what was produced before lies before the boundary. It needs no Kafka: members prove it every second.
    async fn until_complete(
        &mut self,
        under_way: Option<&Erasure>,
        despite_lag: bool,
    ) -> anyhow::Result<Part> {
        if under_way.is_some_and(|erasure| erasure.has_boundary) {
            return Ok(Part::Done);
        }
        let now = self.connection.now().await.context("PostgreSQL")?;
        let since = under_way.map_or(now, |erasure| erasure.begun_at);
        let mut looks = 0;
        while !self.is_stopped() {
            let rows = self.connection.progress_rows(None).await.context("PostgreSQL")?;
            let Some(lag) = lagging(&rows, since) else { return Ok(Part::Done) };
            if despite_lag {
                console::tell(format_args!(
                    "not known to be counted to the end, so records from before may still come: {lag}"
                ));
                return Ok(Part::Done);
            }
            looks += 1;
            if looks > CATCH_UP_LOOKS_MAX {
                bail!(
                    "not known to be counted to the end, so records from before would count afterwards: {lag}. Run this again when members \
                     have caught up, or with --despite-lag"
                );
            }
            self.advance.at(format_args!("waiting for members to count to the end: {lag}"));
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Part::Stopped)
    }

    /// Begins an erasure, or goes on with the one that is under way; `None` if there is nothing to erase.
    async fn begin(
        &mut self,
        organization: &str,
        under_way: Option<Erasure>,
    ) -> anyhow::Result<Option<Erasure>> {
        if let Some(erasure) = under_way {
            let (begun, by) = (moment::shown(Some(erasure.begun_at)), &erasure.begun_by);
            console::tell(format_args!("going on with the erasure that {by} began at {begun}"));
            return Ok(Some(erasure));
        }
        if self.total == 0 {
            // Members may have counted something while they were waited for.
            let rows = self.connection.rows_of(organization).await.context("PostgreSQL")?;
            self.total = rows.iter().map(|(_, rows)| rows).sum();
            if self.total == 0 {
                return Ok(None);
            }
        }
        Ok(Some(self.connection.begin_erasure(organization).await.context("PostgreSQL")?))
    }

    /// Erases what the tables have.
    async fn carry_out(&mut self, erasure: &Erasure) -> anyhow::Result<Part> {
        if !erasure.has_boundary && self.up_to_boundary(erasure).await? == Part::Stopped {
            return Ok(Part::Stopped);
        }
        // What was set meanwhile, and what was refused before the boundary.
        for table in &OF_SETTINGS {
            if self.rows(erasure, table).await? == Part::Stopped {
                return Ok(Part::Stopped);
            }
        }
        self.letters(erasure).await
    }

    /// Erases table by table, until so little is left that batches can be locked out for it.
    async fn up_to_boundary(&mut self, erasure: &Erasure) -> anyhow::Result<Part> {
        let mut tries = 0;
        loop {
            for table in OF_SETTINGS.iter().chain(&OF_BATCHES) {
                if self.rows(erasure, table).await? == Part::Stopped {
                    return Ok(Part::Stopped);
                }
            }
            match self.connection.draw_boundary(erasure).await.context("PostgreSQL")? {
                Boundary::Drawn => return Ok(Part::Done),
                Boundary::GaveWay(why) => self.wait(&mut tries, why, BETWEEN_BATCHES).await?,
            }
        }
    }

    /// Erases a table's rows.
    async fn rows(&mut self, erasure: &Erasure, table: &ErasedTable) -> anyhow::Result<Part> {
        let (mut after, mut rows, mut tries): (Option<RowKey>, _, _) = (None, ROWS_AT_ONCE, 0);
        while !self.is_stopped() {
            let stepped = self.connection.erase_rows(erasure, table, after.as_ref(), rows).await;
            match stepped.context("PostgreSQL")? {
                Stepped::Erased { rows, next } => {
                    self.report(rows, table.name);
                    if next.is_none() {
                        return Ok(Part::Done);
                    }
                    (after, tries) = (next, 0);
                }
                Stepped::GaveWay(why) => {
                    rows = fewer(rows, why);
                    self.wait(&mut tries, why, &format!("free lock on {}", table.name)).await?;
                }
            }
        }
        Ok(Part::Stopped)
    }

    /// Erases dead letters.
    async fn letters(&mut self, erasure: &Erasure) -> anyhow::Result<Part> {
        let (mut after, mut letters, mut tries): (Option<LetterPlace>, _, _) = (None, LETTERS_AT_ONCE, 0);
        while !self.is_stopped() {
            let stepped = self.connection.erase_letters(erasure, after.as_ref(), letters).await;
            match stepped.context("PostgreSQL")? {
                Stepped::Erased { rows, next } => {
                    self.report(rows, "dead_letters");
                    if next.is_none() {
                        return Ok(Part::Done);
                    }
                    (after, tries) = (next, 0);
                }
                Stepped::GaveWay(why) => {
                    letters = fewer(letters, why);
                    self.wait(&mut tries, why, "free lock on dead_letters").await?;
                }
            }
        }
        Ok(Part::Stopped)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Reports a step.
    fn report(&mut self, rows: u64, table: &str) {
        self.done = self.done.saturating_add_unsigned(rows);
        let (done, total) = (self.done, self.total.max(self.done));
        self.advance.at(format_args!("{} {done} of about {total} rows erased; {table}", bar(done, total)));
    }

    /// Waits before a step that gave way is tried again.
    async fn wait(&mut self, tries: &mut u32, why: Why, what: &str) -> anyhow::Result<()> {
        *tries += 1;
        if *tries > TRIES_MAX {
            bail!(
                "there was no {what} for {TRIES_MAX} tries: look for members that catch up or hang, and for forgotten transactions in \
                 pg_stat_activity, and run this again; what is erased stays so"
            );
        }
        match why {
            Why::Locked => self.advance.at(format_args!("waiting for a {what}")),
            Why::Slow => self.advance.at("erasing fewer rows at once, so that nobody waits for long"),
        }
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Removes cached answers, and says how many.
async fn forget(settings: &Erase) -> anyhow::Result<String> {
    let removed = settings.announce.forget(&settings.organization).await;
    let removed = removed.map_err(anyhow::Error::msg).with_context(|| {
        "everything is erased in PostgreSQL, but not yet in Redis: run this again, or without REDIS_URL; cached answers expire \
         after BUSINESS_METRICS_CACHE_TTL_SEC"
    })?;
    Ok(match removed {
        Some(keys) => format!("{keys} cached answers are removed from Redis"),
        None => "REDIS_URL is not set: cached answers expire after BUSINESS_METRICS_CACHE_TTL_SEC".to_owned(),
    })
}

/// How many rows a step takes after one that gave way.
fn fewer(rows: i64, why: Why) -> i64 {
    match why {
        Why::Locked => rows,
        Why::Slow => (rows / 2).max(1),
    }
}

fn paused() -> Ending {
    console::tell("paused; run it again for the same organization, and it goes on");
    Ending::Paused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_takes_too_long_is_tried_with_fewer_rows() {
        assert_eq!(fewer(1_000, Why::Locked), 1_000);
        assert_eq!(fewer(1_000, Why::Slow), 500);
        assert_eq!(fewer(1, Why::Slow), 1);
    }
}
