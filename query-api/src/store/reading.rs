//! What a connection reads for an answer, in its organization's turn: the rows, and how far they can be relied on.

use crate::answer::failures::Failure;
use crate::answer::insights::{self, Window};
use crate::answer::known::{Basis, Known, Since, Through};
use crate::answer::summary::{Parts, Profile, Sums};
use crate::answer::thresholds::Thresholds;
use crate::answer::trends::{self, Bucket};
use crate::answer::workflow_health::Rows;
use crate::answer::{delivery_health, failure_groups, refusals as told, workflow_trends};
use crate::request::cells::Cells;
use crate::request::interval::Interval;
use crate::request::listing::Listing;
use crate::request::listing::failures::{FailuresPage, Which};
use crate::request::range::Range;
use crate::store::connections::Lent;
use crate::store::error::Error;
use crate::store::shares::Turn;
use crate::store::{channels, counters, failures, profile, refusals, settings, workflows};
use chrono::{DateTime, Utc};
use deadpool_postgres::Object;
use futures_util::future::{try_join, try_join3};
use std::sync::Arc;
use tokio_postgres::Row;
use tokio_postgres::types::Timestamp;

/// Rows, and how far they can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read<T> {
    /// How far.
    pub known: Known,
    /// The rows.
    pub rows: T,
}

/// A connection that reads for an organization. Give it back with the outcome.
pub struct Reading {
    client: Lent,
    turn: Arc<Turn>,
}

/// The earliest `complete_through` of all partitions, which is null if one of them has none, or there is no partition; since
/// when rows have what earlier versions did not count; and of the latest `complete_through` of each topic the earliest, which is
/// null if a topic has none.
const KNOWN: &str = "
    select case when bool_and(complete_through is not null) then min(complete_through) end,
           (select since from quarters_known), (select percentiles_since from roll_ups),
           (select channels_since from roll_ups),
           (select case when bool_and(latest is not null) then min(latest) end
            from (select max(complete_through) as latest from consumer_progress group by topic) as topics)
    from consumer_progress";

impl Reading {
    pub(super) const fn new(client: Lent, turn: Arc<Turn>) -> Self {
        Self { client, turn }
    }

    /// The connection's outcome. If it is a success, the connection is given back.
    ///
    /// # Errors
    /// With the outcome's.
    pub fn give_back<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.client.give_back(outcome)
    }

    /// Begins to read from one state of the database.
    pub(super) async fn begin(&self) -> Result<(), Error> {
        Ok(self.client().batch_execute("begin isolation level repeatable read, read only").await?)
    }

    /// The same as [`Reading::give_back`], of what was read from one state of the database.
    ///
    /// # Errors
    /// With the outcome's, or when PostgreSQL gives up.
    pub async fn end<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        let outcome = match outcome {
            Ok(read) => self.client().batch_execute("commit").await.map(|()| read).map_err(Error::from),
            failed @ Err(_) => failed,
        };
        self.give_back(outcome)
    }

    /// The connection: all who load give up after a time of their own.
    fn client(&self) -> &Object {
        self.client.unlimited()
    }

    /// The organization that it reads for.
    fn organization(&self) -> &str {
        self.turn.organization()
    }

    /// The profile of the organization, and the counters of a summary's parts.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn summary(&self, range: &Range) -> Result<Read<(Option<Profile>, Sums)>, Error> {
        let (client, organization) = (self.client(), self.organization());
        let parts = Parts::of(range);
        let all = Cells::between(vec![range.from(), range.to()]);
        let basis = Basis { cells: Some(&all), comparison: range.comparison(), ..Basis::default() };
        let rows = async {
            let (profile, kept, counters) = try_join3(
                profile::profile(client, organization),
                settings::kept::<Thresholds>(client, organization),
                counters::of_intervals(client, organization, parts.intervals()),
            )
            .await?;
            Ok((profile, Sums { parts, counters, thresholds: kept.setting }))
        };
        read_compared(client, organization, basis, rows).await
    }

    /// The counters of the range's buckets, and of those it is compared with.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn trends(&self, range: &Range) -> Result<Read<trends::Rows>, Error> {
        let (client, organization) = (self.client(), self.organization());
        let (cells, compared) = (range.cells(), range.compared_cells());
        let rows = async {
            let of = |cells| buckets(client, organization, cells);
            let (series, previous) = try_join(of(&cells), of(&compared)).await?;
            Ok(trends::Rows { series, previous })
        };
        let basis = Basis { runs: Some(whole(range)), ..of_buckets(range, &cells, &compared) };
        read_compared(client, organization, basis, rows).await
    }

    /// The runs of a workflow in the range's buckets, and in those it is compared with.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn workflow_trends(
        &self,
        range: &Range,
        workflow: &str,
    ) -> Result<Read<workflow_trends::Rows>, Error> {
        let (client, organization) = (self.client(), self.organization());
        let (cells, compared) = (range.cells(), range.compared_cells());
        let rows = async {
            let of = |cells| workflows::of_cells(client, organization, workflow, cells);
            let ((name, series), (_, previous)) = try_join(of(&cells), of(&compared)).await?;
            Ok(workflow_trends::Rows { name, series, previous })
        };
        let basis = of_buckets(range, &cells, &compared);
        let basis = Basis { runs: Some(whole(range)), by_hours: true, ..basis };
        read_compared(client, organization, basis, rows).await
    }

    /// Workflow runs in total, by workflow, and a page of the failures.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn workflow_health(&self, range: &Range, listing: &Listing) -> Result<Read<Rows>, Error> {
        let (client, organization, all) = (self.client(), self.organization(), whole(range));
        let workflow = listing.workflow.as_deref();
        let rows = async {
            let ((totals, workflows), failures) = try_join(
                workflows::workflows(client, organization, all, listing),
                failures::page(client, organization, all, workflow, &listing.failures),
            )
            .await?;
            Ok(Rows { totals, workflows, failures })
        };
        read(client, Basis { runs: Some(all), ..Basis::default() }, rows).await
    }

    /// A page of failures, and one more if there is one.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn failures(
        &self,
        range: &Range,
        Which { workflow, group }: &Which,
        page: &FailuresPage,
    ) -> Result<Read<Vec<Failure>>, Error> {
        let (client, organization) = (self.client(), self.organization());
        let rows = async {
            let workflow = workflow.as_deref();
            match group {
                None => failures::page(client, organization, whole(range), workflow, page).await,
                Some(group) => {
                    failures::page_of_group(client, organization, whole(range), workflow, *group, page).await
                }
            }
        };
        read(client, Basis::default(), rows).await
    }

    /// The newest failures, those with the same message together.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn failure_groups(
        &self,
        range: &Range,
        workflow: Option<&str>,
    ) -> Result<Read<failure_groups::Rows>, Error> {
        let rows = failures::alike(self.client(), self.organization(), whole(range), workflow);
        read(self.client(), Basis::default(), rows).await
    }

    /// The messages of the range's buckets, in all and of one channel, and those of the range by channel.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn delivery_health(
        &self,
        range: &Range,
        channel: Option<&str>,
    ) -> Result<Read<delivery_health::Rows>, Error> {
        let cells = range.cells();
        let basis = Basis { cells: Some(&cells), channels: Some(whole(range)), ..Basis::default() };
        let rows = channels::messages(self.client(), self.organization(), &cells, channel);
        read(self.client(), basis, rows).await
    }

    /// The records that were refused in the range's buckets, by topic and reason, and examples.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn refusals(&self, range: &Range) -> Result<Read<told::Rows>, Error> {
        let cells = range.cells();
        read(self.client(), Basis::default(), refusals::refusals(self.client(), self.organization(), &cells))
            .await
    }

    /// The counters of the window's hours, and the workflow runs of its judged period.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn insights(&self, window: &Window) -> Result<Read<insights::Rows>, Error> {
        let (client, organization) = (self.client(), self.organization());
        let most_failures = Listing::default();
        let rows = async {
            let (hours, (totals, workflows), kept) = try_join3(
                counters::sums(client, organization, window.hours()),
                workflows::workflows(client, organization, window.judged(), &most_failures),
                settings::kept::<Thresholds>(client, organization),
            )
            .await?;
            Ok(insights::Rows { hours, totals, workflows, thresholds: kept.setting })
        };
        read(client, Basis { cells: Some(window.hours()), ..Basis::default() }, rows).await
    }
}

fn whole(range: &Range) -> Interval {
    Interval { from: range.from(), to: range.to() }
}

/// What a range's buckets are made of, and those they are compared with.
fn of_buckets<'a>(range: &Range, cells: &'a Cells, compared: &'a Cells) -> Basis<'a> {
    Basis { cells: Some(cells), comparison: range.comparison(), compared: Some(compared), ..Basis::default() }
}

/// Reads the rows of an answer with this basis, and before them how far they can be relied on: a batch's rows and its
/// partitions' progress are one commit, so rows that are read after the progress include everything it promises.
///
/// All statements are sent at once, each without waiting for the replies to those before, once the connection has prepared them.
async fn read<T>(
    client: &Object,
    basis: Basis<'_>,
    rows: impl Future<Output = Result<T, Error>>,
) -> Result<Read<T>, Error> {
    let span = traces::of_database("statements", "postgresql");
    let read = span.around(read_in_order(client, basis, rows)).await;
    read.inspect_err(|_| span.fail("postgresql"))
}

/// The same for an answer that compares, which also says since when the organization has records: one more statement among those
/// that are sent at once.
async fn read_compared<T>(
    client: &Object,
    organization: &str,
    basis: Basis<'_>,
    rows: impl Future<Output = Result<T, Error>>,
) -> Result<Read<T>, Error> {
    let rows = try_join(counters::first_hour(client, organization), rows);
    let Read { known, rows: (records_from, rows) } = read(client, basis, rows).await?;
    Ok(Read { known: Known { records_from, ..known }, rows })
}

async fn read_in_order<T>(
    client: &Object,
    basis: Basis<'_>,
    rows: impl Future<Output = Result<T, Error>>,
) -> Result<Read<T>, Error> {
    // Prepared before the rows' statements are: otherwise these could be sent first.
    let statement = client.prepare_cached(KNOWN).await?;
    let known = async { Ok(client.query_one(&statement, &[]).await?) };
    // Polled in this order, so sent in this order, and the server replies in order.
    let (known, rows) = tokio::try_join!(biased; known, rows)?;
    let since = Since {
        quarters: time_or_end(&known, 1)?,
        percentiles: time_or_end(&known, 2)?,
        channels: time_or_end(&known, 3)?,
    };
    let through = Through { all: known.try_get(0)?, most: known.try_get(4)? };
    Ok(Read { known: Known::of(through, since, basis), rows })
}

/// A time that may be infinite.
fn time_or_end(row: &Row, column: usize) -> Result<DateTime<Utc>, Error> {
    Ok(match row.try_get(column)? {
        Timestamp::NegInfinity => DateTime::<Utc>::MIN_UTC,
        Timestamp::PosInfinity => DateTime::<Utc>::MAX_UTC,
        Timestamp::Value(time) => time,
    })
}

/// The counters and durations of each cell.
async fn buckets(client: &Object, organization: &str, cells: &Cells) -> Result<Vec<Bucket>, Error> {
    let counters = counters::sums(client, organization, cells);
    let (counters, durations) = try_join(counters, workflows::durations(client, organization, cells)).await?;
    let bucket = |(counters, durations)| Bucket { counters, durations };
    Ok(counters.into_iter().zip(durations).map(bucket).collect())
}
