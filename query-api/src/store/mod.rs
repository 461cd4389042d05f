//! The rows that answers are made of: the one module that knows SQL. It reads, and writes what organizations set themselves, and
//! their webhooks; every query of a request names the organization.
//!
//! ```text
//! connect      how a connection is made, and its limits
//! shares       how many loads of each organization are under way
//! connections  lent to loads, and ended if their work isn't over
//! profile      name and plan
//! thresholds   what alerts are judged by, read and changed
//! counters     sums by cell
//! channels     messages by cell and by channel
//! workflows    runs by workflow, durations by cell, pages of failures
//! webhooks     endpoints, what they were told, messages to them
//! ```

use crate::answer::delivery_health;
use crate::answer::insights::{self, Window};
use crate::answer::known::{Basis, Known, Since, Through};
use crate::answer::summary::{Parts, Profile, Sums};
use crate::answer::thresholds::{Kept, Thresholds};
use crate::answer::trends::{self, Bucket};
use crate::answer::workflow_health::Rows;
use crate::request::cells::Cells;
use crate::request::interval::Interval;
use crate::request::listing::Listing;
use crate::request::range::Range;
use chrono::{DateTime, Utc};
use connections::{Connections, Trust};
use database::Connector;
use deadpool_postgres::Object;
use futures_util::future::{try_join, try_join3};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_postgres::Row;
use tokio_postgres::types::Timestamp;
use webhooks::Webhooks;

mod channels;
mod connect;
mod connections;
mod counters;
mod error;
mod profile;
mod shares;
mod thresholds;
pub mod webhooks;
mod workflows;

pub use connect::{BadSettings, Settings};
pub(crate) use connections::SILENT_FOR;
pub use error::Error;
pub use shares::Turn;

/// How many days back [`Store::fallback_versions`] looks: further than records may be late, unless LEDGER_RETENTION_DAYS
/// of the consumer is raised above its default of 35.
const COUNTED_DAYS: i32 = 40;

/// The state of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is reachable, and has the schema this build reads.
    Ready,
    /// It is reachable, but lacks these migrations.
    Unmigrated(Vec<String>),
    /// It is reachable, but can't hold what is counted, in a sentence that says what to do.
    Unusable(String),
    /// It is unreachable, for this reason.
    Unreachable(String),
}

/// Rows, and how far they can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read<T> {
    /// How far.
    pub known: Known,
    /// The rows.
    pub rows: T,
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

/// Reads rows.
pub struct Store {
    connector: Connector,
    is_reached: AtomicBool,
    loads: Connections,
    /// A connection of its own, for which nobody waits.
    probe: Connections,
    /// Those that may write, made when settings are first changed.
    writes: Connections,
    webhooks: Webhooks,
}

/// How many connections write at once: a change takes milliseconds, and is rare.
const WRITES_MAX: u16 = 2;

impl Store {
    /// A store that connects when it is first asked.
    ///
    /// # Errors
    /// When the settings name no database: a sentence that names the variable.
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        let (connector, trust) = (connect::connector(settings)?, Trust::new());
        let connections = |size| Connections::new(settings, &connector, size, &trust);
        let (loads, probe) = (connections(settings.database_pool_size), connections(1));
        let writer = connect::writer(settings)?;
        let writes = Connections::new(settings, &writer, WRITES_MAX, &Trust::new());
        let webhooks = Webhooks::new(settings, &writer);
        Ok(Self { connector, is_reached: AtomicBool::new(false), loads, probe, writes, webhooks })
    }

    /// The tables of webhooks.
    #[must_use]
    pub const fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }

    /// The organization's turn to load. Hold it until the answer is composed: that takes a processor, too.
    ///
    /// # Errors
    /// When it doesn't come in time, because the organization loads as much as it may.
    pub async fn turn(&self, organization: &str) -> Result<Arc<Turn>, Error> {
        self.loads.turn(organization).await
    }

    /// The profile of the organization whose turn it is, and the counters of a summary's parts.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn summary(
        &self,
        turn: &Arc<Turn>,
        range: &Range,
    ) -> Result<Read<(Option<Profile>, Sums)>, Error> {
        let (client, organization) = (self.loads.lend(Some(Arc::clone(turn))).await?, turn.organization());
        let parts = Parts::of(range);
        let all = Cells::between(vec![range.from(), range.to()]);
        let basis = Basis { cells: Some(&all), comparison: range.comparison(), ..Basis::default() };
        let rows = async {
            let (profile, kept, counters) = try_join3(
                profile::profile(&client, organization),
                thresholds::kept(&client, organization),
                counters::of_intervals(&client, organization, parts.intervals()),
            )
            .await?;
            Ok((profile, Sums { parts, counters, thresholds: kept.thresholds }))
        };
        let read = read(&client, basis, rows).await;
        client.give_back(read)
    }

    /// The counters of the range's buckets, and of those it is compared with.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn trends(&self, turn: &Arc<Turn>, range: &Range) -> Result<Read<trends::Rows>, Error> {
        let (client, organization) = (self.loads.lend(Some(Arc::clone(turn))).await?, turn.organization());
        let (cells, compared) = (range.cells(), range.compared_cells());
        let all = Interval { from: range.from(), to: range.to() };
        let rows = async {
            let of = |cells| buckets(&client, organization, cells);
            let (series, previous) = try_join(of(&cells), of(&compared)).await?;
            Ok(trends::Rows { series, previous })
        };
        let basis = Basis {
            cells: Some(&cells),
            comparison: range.comparison(),
            compared: Some(&compared),
            runs: Some(all),
            ..Basis::default()
        };
        let read = read(&client, basis, rows).await;
        client.give_back(read)
    }

    /// Workflow runs in total, by workflow, and a page of the failures.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn workflow_health(
        &self,
        turn: &Arc<Turn>,
        range: &Range,
        listing: &Listing,
    ) -> Result<Read<Rows>, Error> {
        let (client, organization) = (self.loads.lend(Some(Arc::clone(turn))).await?, turn.organization());
        let all = Interval { from: range.from(), to: range.to() };
        let rows = async {
            let ((totals, workflows), failures) = try_join(
                workflows::workflows(&client, organization, all, listing),
                workflows::failures(&client, organization, all, listing),
            )
            .await?;
            Ok(Rows { totals, workflows, failures })
        };
        let read = read(&client, Basis { runs: Some(all), ..Basis::default() }, rows).await;
        client.give_back(read)
    }

    /// The messages of the range's buckets, in all and of one channel, and those of the range by channel.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn delivery_health(
        &self,
        turn: &Arc<Turn>,
        range: &Range,
        channel: Option<&str>,
    ) -> Result<Read<delivery_health::Rows>, Error> {
        let (client, organization) = (self.loads.lend(Some(Arc::clone(turn))).await?, turn.organization());
        let cells = range.cells();
        let all = Interval { from: range.from(), to: range.to() };
        let basis = Basis { cells: Some(&cells), channels: Some(all), ..Basis::default() };
        let read = read(&client, basis, channels::messages(&client, organization, &cells, channel)).await;
        client.give_back(read)
    }

    /// The counters of the window's hours, and the workflow runs of its judged period.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn insights(&self, turn: &Arc<Turn>, window: &Window) -> Result<Read<insights::Rows>, Error> {
        let (client, organization) = (self.loads.lend(Some(Arc::clone(turn))).await?, turn.organization());
        let most_failures = Listing::default();
        let rows = async {
            let (hours, (totals, workflows), kept) = try_join3(
                counters::sums(&client, organization, window.hours()),
                workflows::workflows(&client, organization, window.judged(), &most_failures),
                thresholds::kept(&client, organization),
            )
            .await?;
            Ok(insights::Rows { hours, totals, workflows, thresholds: kept.thresholds })
        };
        let read = read(&client, Basis { cells: Some(window.hours()), ..Basis::default() }, rows).await;
        client.give_back(read)
    }

    /// The organization's own thresholds.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn thresholds(&self, turn: &Arc<Turn>) -> Result<Kept, Error> {
        let client = self.loads.lend(Some(Arc::clone(turn))).await?;
        let kept = thresholds::kept(&client, turn.organization()).await;
        client.give_back(kept)
    }

    /// Changes the organization's own thresholds: `change` is told what they are, and the time, and says what they are to be; `None`
    /// leaves them as they are. Changes of one organization take turns. Returns what they were, and what they are.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable, gives up, or takes no writes. Then nothing is known to be changed.
    pub async fn change_thresholds(
        &self,
        organization: &str,
        subject: Option<&str>,
        change: impl FnOnce(&Kept, DateTime<Utc>) -> Option<Thresholds> + Send,
    ) -> Result<[Kept; 2], Error> {
        let turn = self.writes.turn(organization).await?;
        let client = self.writes.lend(Some(turn)).await.map_err(Error::of_write)?;
        let changed = thresholds::change(&client, (organization, subject), change).await;
        client.give_back(changed.map_err(Error::of_write))
    }

    /// A number for each organization that changes whenever a record is counted, or its thresholds are changed: the sum of its
    /// recent counters, and of how often. It stands in for the version while Redis can't be read. A time wouldn't do: transactions end in another
    /// order than they begin.
    ///
    /// # Errors
    /// When PostgreSQL is unreachable or gives up.
    pub async fn fallback_versions(&self, organizations: &[Arc<str>]) -> Result<Vec<(Arc<str>, u64)>, Error> {
        // A question about one organization counts towards its share.
        let turn = if let [one] = organizations { Some(self.loads.turn(one).await?) } else { None };
        let client = self.loads.lend(turn).await?;
        let sql = "
            select asked.id,
                   coalesce(sum(orders_created + payments_total + workflows_total + messages_sent
                                + messages_delivered), 0)::bigint
            from unnest($1::text[]) as asked(id)
            left join org_daily_metrics
                   on organization_id = asked.id and day_bucket >= now() - make_interval(days => $2)
            group by asked.id";
        let asked: Vec<&str> = organizations.iter().map(|id| &**id).collect();
        let number = |row: &Row| {
            let number: i64 = row.try_get(1)?;
            Ok((row.try_get::<_, &str>(0)?.into(), number.unsigned_abs()))
        };
        let numbers = async {
            let statement = client.prepare_cached(sql).await?;
            let rows = client.query(&statement, &[&asked, &COUNTED_DAYS]).await?;
            rows.iter().map(number).collect::<Result<Vec<(Arc<str>, u64)>, Error>>()
        };
        let both = try_join(numbers, thresholds::revisions(&client, &asked)).await;
        let (mut numbers, revisions) = client.give_back(both)?;
        for (organization, number) in &mut numbers {
            *number = number.wrapping_add(revisions.get(&**organization).copied().unwrap_or(0));
        }
        Ok(numbers)
    }

    /// Finds out whether PostgreSQL is reachable and has the schema.
    pub async fn state(&self) -> State {
        if let Some(state) = self.first_reached().await {
            return state;
        }
        match self.schema().await {
            Ok((Some(why), _)) => State::Unusable(why),
            Ok((None, missing)) if missing.is_empty() => State::Ready,
            Ok((None, missing)) => State::Unmigrated(missing),
            Err(error) => State::Unreachable(error.to_string()),
        }
    }

    /// Why what is counted can't be held, and which migrations are missing.
    async fn schema(&self) -> Result<(Option<String>, Vec<String>), Error> {
        let client = self.probe.lend(None).await?;
        let schema = async {
            let unusable = migrations::unusable(&client).await?;
            let mut missing = migrations::missing(&client).await?;
            if missing.is_empty() {
                let unfilled = migrations::unfilled(&client).await?;
                missing.extend(unfilled.iter().map(|what| format!("filling of {what}")));
            }
            Ok((unusable, missing))
        };
        let schema = schema.await;
        client.give_back(schema)
    }

    /// What keeps PostgreSQL from being reached for the first time; `None` once it was reached. The pool has no words for all of
    /// that.
    async fn first_reached(&self) -> Option<State> {
        if self.is_reached.load(Ordering::Relaxed) {
            return None;
        }
        match self.connector.connect().await {
            Ok(_) => {
                self.is_reached.store(true, Ordering::Relaxed);
                None
            }
            Err(refused @ database::Error::NoSession) => Some(State::Unusable(refused.to_string())),
            Err(away @ (database::Error::Failed(_) | database::Error::Silent(_))) => {
                Some(State::Unreachable(error::causes(&away)))
            }
        }
    }

    /// How many connections of loads are open, and how many of them are idle.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        self.loads.count()
    }
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
