//! The rows that answers are made of: the one module that knows SQL. It only reads, and every query names the
//! organization.

use crate::answer::insights::{self, Scene};
use crate::answer::summary::{Plan, Profile, Sums};
use crate::answer::trends::{self, Bucket};
use crate::answer::workflow_health::Rows;
use crate::request::cells::Cells;
use crate::request::compare::Interval;
use crate::request::listing::{Listing, Sort};
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Pool, PoolError};
use domain::{BucketSize, Counters};
use futures_util::future::{try_join, try_join3};
use std::sync::Arc;
use tokio_postgres::Row;

mod connect;
mod workflows;

pub use connect::{BadSettings, Settings};

/// How far back [`Store::counted`] looks: beyond what records may be late by, unless the ledger was told to keep more.
const COUNTED_DAYS: i32 = 40;

/// Why rows can't be read now. A request that meets one may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection: PostgreSQL is away, or all connections are busy.
    #[error("no connection to PostgreSQL: {}", causes(.0))]
    NoConnection(#[from] PoolError),
    /// PostgreSQL refused or gave up.
    #[error("PostgreSQL failed: {}", causes(.0))]
    Failed(#[from] tokio_postgres::Error),
    /// It has what the consumer doesn't write.
    #[error("the database has {0}")]
    Unexpected(&'static str),
}

/// What an error says, and what it says of its causes: the libraries keep "connection refused" two steps down.
fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = Vec::new();
    for text in chain.map(ToString::to_string) {
        // Some repeat their cause in their own words.
        if !texts.iter().any(|said| said.contains(&text)) {
            texts.push(text);
        }
    }
    texts.join(": ")
}

/// How PostgreSQL stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It answers, and has the schema this build reads.
    Ready,
    /// It answers, but lacks migrations.
    Unmigrated(Vec<String>),
    /// It does not answer.
    Away(String),
}

/// Rows, and what is known of their completeness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read<T> {
    /// All records the brokers held up to this instant are in the rows; `None` while some partition has never been read.
    pub complete_through: Option<DateTime<Utc>>,
    /// The rows.
    pub rows: T,
}

/// The least of all partitions; null where one of them has none, or there is no partition.
const COMPLETE_THROUGH: &str = "
    select case when bool_and(complete_through is not null) then min(complete_through) end from consumer_progress";

/// Reads rows.
pub struct Store {
    pool: Pool,
}

impl Store {
    /// A store that connects when it is first asked.
    ///
    /// # Errors
    /// When the settings name no database: a sentence that names the variable.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        Ok(Self { pool: connect::pool(settings)? })
    }

    /// Who the organization is, and its counters: of what is over of the range, of what is open, and of what it is
    /// compared with.
    ///
    /// # Errors
    /// When PostgreSQL is away or gives up.
    pub async fn summary(
        &self,
        organization: &str,
        range: &Range,
    ) -> Result<Read<(Option<Profile>, Sums)>, Error> {
        let client = self.pool.get().await?;
        let (parts, earlier) = (range.parts(), range.compared_whole());
        let rows = async {
            let (profile, parts, earlier) = try_join3(
                profile(&client, organization),
                sums(&client, organization, &parts),
                sums(&client, organization, &earlier),
            )
            .await?;
            let part = |parts: &[Counters], place: usize| parts.get(place).copied().unwrap_or_default();
            let sums = Sums { earlier: part(&earlier, 0), closed: part(&parts, 0), open: part(&parts, 1) };
            Ok((profile, sums))
        };
        read(&client, rows).await
    }

    /// The counters of the range's buckets, and of those it is compared with.
    ///
    /// # Errors
    /// When PostgreSQL is away or gives up.
    pub async fn trends(&self, organization: &str, range: &Range) -> Result<Read<trends::Rows>, Error> {
        let client = self.pool.get().await?;
        let (cells, compared) = (range.cells(), range.compared_cells());
        let rows = async {
            let of = |cells| buckets(&client, organization, cells);
            let (series, previous) = try_join(of(&cells), of(&compared)).await?;
            Ok(trends::Rows { series, previous })
        };
        read(&client, rows).await
    }

    /// Workflow runs in total, by workflow, and a page of the failures.
    ///
    /// # Errors
    /// When PostgreSQL is away or gives up.
    pub async fn workflow_health(
        &self,
        organization: &str,
        range: &Range,
        listing: &Listing,
    ) -> Result<Read<Rows>, Error> {
        let client = self.pool.get().await?;
        let all = Interval { from: range.from(), to: range.to() };
        let rows = async {
            let ((totals, workflows), failures) = try_join(
                workflows::workflows(&client, organization, all, listing.sort),
                workflows::failures(&client, organization, all, listing),
            )
            .await?;
            Ok(Rows { totals, workflows, failures })
        };
        read(&client, rows).await
    }

    /// The counters of the scene's hours, and the workflow runs of the period that is judged.
    ///
    /// # Errors
    /// When PostgreSQL is away or gives up.
    pub async fn insights(&self, organization: &str, scene: &Scene) -> Result<Read<insights::Rows>, Error> {
        let client = self.pool.get().await?;
        let rows = async {
            let (hours, (totals, workflows)) = try_join(
                sums(&client, organization, scene.hours()),
                workflows::workflows(&client, organization, scene.judged(), Sort::Failures),
            )
            .await?;
            Ok(insights::Rows { hours, totals, workflows })
        };
        read(&client, rows).await
    }

    /// How much has been counted of each organization in the days of late: another number whenever another record was.
    /// Not a time: transactions end in another order than they begin.
    ///
    /// # Errors
    /// When PostgreSQL is away or gives up.
    pub async fn counted(&self, organizations: &[Arc<str>]) -> Result<Vec<(Arc<str>, u64)>, Error> {
        let client = self.pool.get().await?;
        let sql = "
            select asked.id,
                   coalesce(sum(orders_created + payments_total + workflows_total + messages_sent
                                + messages_delivered), 0)::bigint
            from unnest($1::text[]) as asked(id)
            left join org_daily_metrics
                   on organization_id = asked.id and day_bucket >= now() - make_interval(days => $2)
            group by asked.id";
        let statement = client.prepare_cached(sql).await?;
        let asked: Vec<&str> = organizations.iter().map(|id| &**id).collect();
        let rows = client.query(&statement, &[&asked, &COUNTED_DAYS]).await?;
        let counted = |row: &Row| {
            let number: i64 = row.try_get(1)?;
            Ok((row.try_get::<_, &str>(0)?.into(), number.unsigned_abs()))
        };
        rows.iter().map(counted).collect()
    }

    /// Looks whether PostgreSQL is there and has the schema.
    pub async fn state(&self) -> State {
        let missing = async {
            let client = self.pool.get().await.map_err(|error| Error::from(error).to_string())?;
            migrations::missing(&client).await.map_err(|error| causes(&error))
        };
        match missing.await {
            Ok(missing) if missing.is_empty() => State::Ready,
            Ok(missing) => State::Unmigrated(missing),
            Err(why) => State::Away(why),
        }
    }

    /// Connections there are, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.available)
    }
}

/// Rows, and how complete they are. That is asked first: a batch's rows and its partitions' progress are one commit, so
/// rows read later than the progress have all that it promises.
async fn read<T>(client: &Object, rows: impl Future<Output = Result<T, Error>>) -> Result<Read<T>, Error> {
    let statement = client.prepare_cached(COMPLETE_THROUGH).await?;
    let complete_through = async { Ok(client.query_one(&statement, &[]).await?.try_get(0)?) };
    // Joined in order, so sent in order, and the server answers in the order in which it is asked.
    let (complete_through, rows) = tokio::try_join!(biased; complete_through, rows)?;
    Ok(Read { complete_through, rows })
}

async fn profile(client: &Object, organization: &str) -> Result<Option<Profile>, Error> {
    let sql = "select name, plan_id, plan_name from organizations where organization_id = $1";
    let statement = client.prepare_cached(sql).await?;
    let Some(row) = client.query_opt(&statement, &[&organization]).await? else { return Ok(None) };
    // An update that says no name or no plan leaves them unknown.
    let name = Some(row.try_get(0)?).filter(|name: &String| !name.is_empty());
    let plan = Plan { id: row.try_get(1)?, name: row.try_get(2)? };
    let plan = Some(plan).filter(|plan| !plan.id.is_empty() || !plan.name.is_empty());
    Ok(Some(Profile { name, plan }))
}

/// The counters and durations of each cell.
async fn buckets(client: &Object, organization: &str, cells: &Cells) -> Result<Vec<Bucket>, Error> {
    let counters = sums(client, organization, cells);
    let (counters, durations) = try_join(counters, workflows::durations(client, organization, cells)).await?;
    let bucket = |(counters, durations)| Bucket { counters, durations };
    Ok(counters.into_iter().zip(durations).map(bucket).collect())
}

/// The counters of each cell. Every cell is made of whole rows, so the sums are exact.
async fn sums(client: &Object, organization: &str, cells: &Cells) -> Result<Vec<Counters>, Error> {
    let Some((from, to)) = cells.extent() else { return Ok(Vec::new()) };
    let statement = client.prepare_cached(&sums_sql(cells.rows())).await?;
    let rows = client.query(&statement, &[&organization, &from, &to, &cells.edges()]).await?;
    let mut sums = vec![Counters::default(); cells.len()];
    for row in &rows {
        if let Some(cell) = cell(row)?.and_then(|cell| sums.get_mut(cell)) {
            *cell = counters(row)?;
        }
    }
    Ok(sums)
}

/// width_bucket counts the edges that are not after a row's bucket: its cell's number, from 1.
fn sums_sql(size: BucketSize) -> String {
    let (table, column) = (size.table(), size.column());
    let sums = Counters::NAMES.map(|name| format!("sum({name})::bigint")).join(", ");
    format!(
        "select width_bucket({column}, $4::timestamptz[]) as cell, {sums} from {table}
         where organization_id = $1 and {column} >= $2 and {column} < $3 group by cell"
    )
}

/// The place of a row's cell, which is its first column.
fn cell(row: &Row) -> Result<Option<usize>, Error> {
    let number: i32 = row.try_get(0)?;
    Ok(usize::try_from(number - 1).ok())
}

/// The counters of a row, from its second column on.
fn counters(row: &Row) -> Result<Counters, Error> {
    let mut values = [0; Counters::NAMES.len()];
    for (index, value) in values.iter_mut().enumerate() {
        *value = row.try_get(index + 1)?;
    }
    Ok(Counters::from_values(values))
}
