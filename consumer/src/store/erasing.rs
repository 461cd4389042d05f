//! Deleting an organization's rows while members count, and drawing the boundary behind which it begins anew.
//!
//! Members add to the same rows. So a step deletes some of one table's in a transaction of its own, waits for no lock for long, and
//! gives way: whoever waits for it waits for less than a second, since all its statements share a deadline from the first lock on,
//! and PostgreSQL ends a session that is silent meanwhile. Meanwhile members add rows that were passed already; the last step
//! locks all batches out for a moment, deletes these few, and notes where each partition stands. That is the boundary: it lies between
//! two batches, so what was counted before it is erased, all of it, and nothing behind it.

use super::cluster::{IS_CLUSTER, IS_SETTLED};
use super::erased_tables::{DEAD_LETTERS, ErasedTable, LETTERS_OF_ORGANIZATION, OF_BATCHES, RowKey};
use super::erasures::Erasure;
use super::fenced_transaction::seconds_or_min;
use super::upkeep::LOCKING_OUT;
use super::{Error, LetterPlace, OperatorConnection};
use crate::limits::{BOUNDARY_HOLD_MAX, ERASING_STEP_MAX, SUSPENDED_MAX, UPKEEP_LOCK_TIMEOUT};
use crate::record::place::Place;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{BucketSize, Counters};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, GenericClient, Row, Statement, Transaction};

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stepped<K> {
    /// So many rows are erased.
    Erased {
        /// How many.
        rows: u64,
        /// Where the next step begins; `None` after the last.
        next: Option<K>,
    },
    /// Nothing is: others would have waited for too long.
    GaveWay(Why),
}

/// What came of drawing the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// It is drawn.
    Drawn,
    /// It isn't: others would have waited for too long.
    GaveWay(Why),
}

/// Why a step gave way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Others hold a lock that it needs.
    Locked,
    /// There are too many rows for the time that it may take.
    Slow,
}

impl OperatorConnection {
    /// Erases at most so many rows of a table, after a key.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn erase_rows(
        &mut self,
        erasure: &Erasure,
        table: &ErasedTable,
        after: Option<&RowKey>,
        rows: i64,
    ) -> Result<Stepped<RowKey>, Error> {
        match self.step(erasure, table, after, rows).await {
            Err(error) => why(&error).map(Stepped::GaveWay).ok_or(error),
            stepped => stepped,
        }
    }

    async fn step(
        &mut self,
        erasure: &Erasure,
        table: &ErasedTable,
        after: Option<&RowKey>,
        rows: i64,
    ) -> Result<Stepped<RowKey>, Error> {
        let transaction = self.client.transaction().await?;
        limit(&transaction, ERASING_STEP_MAX).await?;
        let next = last_of(&transaction, erasure, table, after, rows).await?;
        let notes = Notes::prepare(&transaction).await?;
        let statement = transaction.prepare(&table.delete(after, next.as_ref())).await?;
        let hold = Hold::begin(&transaction, ERASING_STEP_MAX);
        let rows = delete(&hold, &notes, erasure, table, &statement, [after, next.as_ref()]).await?;
        hold.bounded().await?;
        transaction.commit().await?;
        Ok(Stepped::Erased { rows, next })
    }

    /// Looks through so many dead letters after a place, and erases the organization's that were refused before its boundary.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn erase_letters(
        &mut self,
        erasure: &Erasure,
        after: Option<&LetterPlace>,
        letters: i64,
    ) -> Result<Stepped<LetterPlace>, Error> {
        match self.step_of_letters(erasure, after, letters).await {
            Err(error) => why(&error).map(Stepped::GaveWay).ok_or(error),
            stepped => stepped,
        }
    }

    async fn step_of_letters(
        &mut self,
        erasure: &Erasure,
        after: Option<&LetterPlace>,
        letters: i64,
    ) -> Result<Stepped<LetterPlace>, Error> {
        // Every place comes after this one.
        let first = LetterPlace {
            place: Place { topic: String::new(), partition: -1 },
            topic_id: String::new(),
            offset: -1,
        };
        let after = after.unwrap_or(&first);
        let transaction = self.client.transaction().await?;
        limit(&transaction, ERASING_STEP_MAX).await?;
        let last = format!(
            "select {LETTER_KEY} from {DEAD_LETTERS} where ({LETTER_KEY}) > ($1, $2, $3, $4) \
             order by {LETTER_KEY} offset {letters} - 1 limit 1"
        );
        let next = transaction.query_opt(&last, &place(after)).await?.as_ref().map(letter_place);
        // A partition that was first read later, or whose topic was made anew or long ago, has no boundary: there the time decides.
        let delete = format!(
            "delete from {DEAD_LETTERS} d where ({LETTER_KEY}) > ($3, $4, $5, $6){} and {LETTERS_OF_ORGANIZATION} \
             and coalesce((select d.kafka_offset < b.next_offset from erasure_boundaries b \
                           where b.erasure_id = $2 and b.topic = d.topic and b.kafka_partition = d.kafka_partition \
                             and (b.topic_id is null or d.topic_id in (b.topic_id, ''))), \
                          d.rejected_at < (select boundary_at from erasures where erasure_id = $2))",
            if next.is_some() { format!(" and ({LETTER_KEY}) <= ($7, $8, $9, $10)") } else { String::new() }
        );
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&erasure.organization, &erasure.id];
        values.extend([Some(after), next.as_ref()].into_iter().flatten().flat_map(place));
        let (notes, statement) = (Notes::prepare(&transaction).await?, transaction.prepare(&delete).await?);
        let hold = Hold::begin(&transaction, ERASING_STEP_MAX);
        let rows = hold.bounded().await?.execute(&statement, &values).await?;
        note(&hold, &notes, erasure, DEAD_LETTERS, rows).await?;
        hold.bounded().await?;
        transaction.commit().await?;
        Ok(Stepped::Erased { rows, next })
    }

    /// Erases what is left in the tables that batches write, and notes where each partition stands, while no batch is under way.
    /// Little must be left: batches wait meanwhile.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn draw_boundary(&mut self, erasure: &Erasure) -> Result<Boundary, Error> {
        match self.draw(erasure).await {
            Err(error) => why(&error).map(Boundary::GaveWay).ok_or(error),
            drawn => drawn,
        }
    }

    async fn draw(&mut self, erasure: &Erasure) -> Result<Boundary, Error> {
        let statements = Drawing::prepare(&self.client).await?;
        let transaction = self.client.transaction().await?;
        let is_alone = transaction.query_one("select pg_try_advisory_xact_lock($1)", &[&LOCKING_OUT]).await?;
        if !is_alone.get::<_, bool>(0) {
            return Ok(Boundary::GaveWay(Why::Locked));
        }
        limit(&transaction, ERASING_STEP_MAX).await?;
        // Batches hold a weaker lock on it to their end; later ones wait for this.
        transaction.batch_execute("lock table ledger_floor in exclusive mode").await?;
        let hold = Hold::begin(&transaction, BOUNDARY_HOLD_MAX);
        if let Some(is_settled) = &statements.is_settled
            && !hold.bounded().await?.query_one(is_settled, &[]).await?.get::<_, bool>(0)
        {
            return Ok(Boundary::GaveWay(Why::Locked));
        }
        for (table, statement) in OF_BATCHES.iter().zip(&statements.deletes) {
            delete(&hold, &statements.notes, erasure, table, statement, [None, None]).await?;
        }
        hold.bounded().await?.execute(&statements.draw, &[&erasure.id]).await?;
        hold.bounded().await?.execute(&statements.drawn, &[&erasure.id]).await?;
        hold.bounded().await?;
        transaction.commit().await?;
        Ok(Boundary::Drawn)
    }
}

/// The columns that name a dead letter.
const LETTER_KEY: &str = "topic, topic_id, kafka_partition, kafka_offset";

/// A partition that was never read has nothing before its boundary.
const DRAW: &str = "
insert into erasure_boundaries (erasure_id, topic, kafka_partition, topic_id, next_offset)
select $1, topic, kafka_partition, topic_id, next_offset from consumer_progress where next_offset is not null";

/// When it was drawn.
const DRAWN: &str = "update erasures set boundary_at = clock_timestamp() where erasure_id = $1";

/// Adds to how many rows of a table an erasure has erased.
const NOTE: &str = "
update erasures
set erased = jsonb_set(erased, array[$2::text], to_jsonb(coalesce((erased ->> $2::text)::bigint, 0) + $3::bigint))
where erasure_id = $1";

/// Bounds how long this transaction waits for a lock, for a statement, and for this command.
async fn limit(transaction: &Transaction<'_>, statement: Duration) -> Result<(), Error> {
    let limits = [UPKEEP_LOCK_TIMEOUT, statement, SUSPENDED_MAX].map(|limit| limit.as_millis());
    let [lock, statement, suspended] = limits;
    let limits = format!(
        "set local lock_timeout = '{lock}ms'; set local statement_timeout = '{statement}ms'; \
         set local idle_in_transaction_session_timeout = '{suspended}ms'"
    );
    Ok(transaction.batch_execute(&limits).await?)
}

/// A transaction that others wait for, and since when.
struct Hold<'a> {
    transaction: &'a Transaction<'a>,
    limit: Duration,
    since: Instant,
}

impl<'a> Hold<'a> {
    /// From now on others may wait.
    fn begin(transaction: &'a Transaction<'a>, limit: Duration) -> Self {
        Self { transaction, limit, since: Instant::now() }
    }

    /// The transaction, for one statement, which PostgreSQL ends when the time for all of them is over.
    async fn bounded(&self) -> Result<&'a Transaction<'a>, Error> {
        let left = self.limit.saturating_sub(self.since.elapsed()).as_millis();
        if left == 0 {
            return Err(Error::Timeout(self.limit));
        }
        self.transaction.batch_execute(&format!("set local statement_timeout = '{left}ms'")).await?;
        Ok(self.transaction)
    }
}

/// What notes and books rows that are deleted, prepared before anybody waits for it.
struct Notes {
    note: Statement,
    floor: Statement,
    add_booked: Statement,
}

impl Notes {
    async fn prepare(client: &impl GenericClient) -> Result<Self, Error> {
        Ok(Self {
            note: client.prepare(NOTE).await?,
            floor: client.prepare("select floor from ledger_floor").await?,
            add_booked: client.prepare(&add_booked()).await?,
        })
    }
}

/// What draws the boundary, prepared likewise.
struct Drawing {
    /// Only on a cluster: whether everything that was committed has reached all nodes.
    is_settled: Option<Statement>,
    /// One for each of [`OF_BATCHES`].
    deletes: Vec<Statement>,
    notes: Notes,
    draw: Statement,
    drawn: Statement,
}

impl Drawing {
    async fn prepare(client: &Client) -> Result<Self, Error> {
        let is_cluster: bool = client.query_one(&format!("select {IS_CLUSTER}"), &[]).await?.get(0);
        let is_settled =
            if is_cluster { Some(client.prepare(&format!("select {IS_SETTLED}")).await?) } else { None };
        let mut deletes = Vec::new();
        for table in &OF_BATCHES {
            deletes.push(client.prepare(&table.delete(None, None)).await?);
        }
        Ok(Self {
            is_settled,
            deletes,
            notes: Notes::prepare(client).await?,
            draw: client.prepare(DRAW).await?,
            drawn: client.prepare(DRAWN).await?,
        })
    }
}

/// Why a step has failed that can be tried again.
fn why(error: &Error) -> Option<Why> {
    if matches!(error, Error::Timeout(_)) {
        return Some(Why::Slow);
    }
    let code = if let Error::Database(error) = error { error.code()? } else { return None };
    let is_any = |codes: [&SqlState; 2]| codes.contains(&code);
    if is_any([&SqlState::LOCK_NOT_AVAILABLE, &SqlState::T_R_DEADLOCK_DETECTED]) {
        return Some(Why::Locked);
    }
    (*code == SqlState::QUERY_CANCELED).then_some(Why::Slow)
}

/// The key of the last of the next rows; `None` if there are no more than that.
async fn last_of(
    transaction: &Transaction<'_>,
    erasure: &Erasure,
    table: &ErasedTable,
    after: Option<&RowKey>,
    rows: i64,
) -> Result<Option<RowKey>, Error> {
    if table.key_columns() == 0 {
        return Ok(None);
    }
    let row = transaction.query_opt(&table.last_of(rows, after), &keys(erasure, [after, None])).await?;
    Ok(row.map(|row| (0..table.key_columns()).map(|column| row.get(column)).collect()))
}

/// Deletes the organization's rows between two keys, and notes how many.
async fn delete(
    hold: &Hold<'_>,
    notes: &Notes,
    erasure: &Erasure,
    table: &ErasedTable,
    statement: &Statement,
    between: [Option<&RowKey>; 2],
) -> Result<u64, Error> {
    let (transaction, values) = (hold.bounded().await?, keys(erasure, between));
    let rows = if table.is_booked() {
        let hours = transaction.query(statement, &values).await?;
        book(hold, notes, &hours).await?;
        hours.len() as u64
    } else {
        transaction.execute(statement, &values).await?
    };
    note(hold, notes, erasure, table.name, rows).await?;
    Ok(rows)
}

/// The organization, and the columns of keys.
fn keys<'a>(erasure: &'a Erasure, keys: [Option<&'a RowKey>; 2]) -> Vec<&'a (dyn ToSql + Sync)> {
    let columns = keys.into_iter().flatten().flatten().map(|column| column as &(dyn ToSql + Sync));
    std::iter::once(&erasure.organization as &(dyn ToSql + Sync)).chain(columns).collect()
}

async fn note(
    hold: &Hold<'_>,
    notes: &Notes,
    erasure: &Erasure,
    table: &str,
    rows: u64,
) -> Result<(), Error> {
    if rows > 0 {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        hold.bounded().await?.execute(&notes.note, &[&erasure.id, &table, &rows]).await?;
    }
    Ok(())
}

fn place(at: &LetterPlace) -> [&(dyn ToSql + Sync); 4] {
    [&at.place.topic, &at.topic_id, &at.place.partition, &at.offset]
}

fn letter_place(row: &Row) -> LetterPlace {
    LetterPlace {
        place: Place { topic: row.get(0), partition: row.get(2) },
        topic_id: row.get(1),
        offset: row.get(3),
    }
}

/// Books what was in hours that are erased: the ledger's sums still have it. Of quarters below the floor there are no sums.
async fn book(hold: &Hold<'_>, notes: &Notes, hours: &[Row]) -> Result<(), Error> {
    if hours.is_empty() {
        return Ok(());
    }
    let floor = seconds_or_min(&hold.bounded().await?.query_one(&notes.floor, &[]).await?)?;
    let mut booked: BTreeMap<DateTime<Utc>, Counters> = BTreeMap::new();
    for row in hours {
        let hour: DateTime<Utc> = row.get(0);
        let counters = |part: usize| {
            let first = 1 + part * Counters::NAMES.len();
            std::array::from_fn(|place| row.get(first + place))
        };
        for (quarter, counters) in (0..).zip(quarters(counters(0), [1, 2, 3].map(counters))) {
            let start = hour + TimeDelta::seconds(quarter * BucketSize::Quarter.seconds());
            if start.timestamp() >= floor && counters != Counters::default() {
                *booked.entry(start).or_default() += &counters;
            }
        }
    }
    if booked.is_empty() {
        return Ok(());
    }
    let quarters: Vec<DateTime<Utc>> = booked.keys().copied().collect();
    let columns: [Vec<i64>; Counters::NAMES.len()] =
        std::array::from_fn(|place| booked.values().map(|counters| counters.values()[place]).collect());
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&quarters];
    values.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
    hold.bounded().await?.execute(&notes.add_booked, &values).await?;
    Ok(())
}

/// What each quarter of an hour has counted: the first has what the others leave.
fn quarters(hour: [i64; 8], later: [[i64; 8]; 3]) -> [Counters; 4] {
    let [second, third, fourth] = later;
    let first = std::array::from_fn(|place| hour[place] - second[place] - third[place] - fourth[place]);
    [first, second, third, fourth].map(Counters::from_values)
}

fn add_booked() -> String {
    let names = Counters::NAMES.join(", ");
    let arrays: String = (2..).zip(Counters::NAMES).map(|(n, _)| format!(", ${n}::bigint[]")).collect();
    let sums = Counters::NAMES.map(|name| format!("{name} = e.{name} + excluded.{name}")).join(", ");
    format!(
        "insert into erased_counters as e (quarter, {names}) select * from unnest($1::timestamptz[]{arrays}) order by 1 \
         on conflict (quarter) do update set {sums}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_whose_time_is_over_gives_way_for_being_slow() {
        assert_eq!(why(&Error::Timeout(ERASING_STEP_MAX)), Some(Why::Slow));
        assert_eq!(why(&Error::Unexpected("no floor")), None);
    }

    #[test]
    fn the_first_quarter_is_what_the_others_leave() {
        let of = |orders: i64| [orders, 0, 0, 0, 0, 0, 0, 0];
        let found = quarters(of(10), [of(1), of(0), of(2)]).map(|counters| counters.orders_created);
        assert_eq!(found, [7, 1, 0, 2]);
    }
}
