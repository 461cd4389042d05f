//! A batch's transaction, fenced: it begins with a compare-and-set that moves the partitions' progress. Only that makes a
//! [`FencedTransaction`], and only a [`FencedTransaction`] writes.

use super::cluster::Promises;
use super::counter_statements::Pending;
use super::page_statements::Write;
use super::primary::Incarnation;
use super::writes::{Writes, writes};
use super::{Connection, Error, Rows};
use crate::clock::Question;
use crate::record::{Partition, Span};
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::future::ready;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

/// Statements of counters that are with PostgreSQL at once: enough that it never waits for the next, and few in memory.
const STATEMENTS_AT_ONCE: usize = 4;

/// A partition's move forward.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which partition.
    pub partition: Partition,
    /// The epoch of the claim that its records were read under.
    pub epoch: i64,
    /// From where to where.
    pub span: Span,
    /// The leader's epoch of the span's last record, if it is known.
    pub leader_epoch: Option<i32>,
    /// How many of its records lie in another partition than their key's.
    pub misplaced: i64,
    /// The instant through which everything is counted once this is committed, if that is known.
    pub complete_through: Option<DateTime<Utc>>,
}

/// An open transaction that has moved partitions forward, and may write their changes.
pub struct FencedTransaction<'a> {
    connection: &'a mut Connection,
    /// The partitions that moved. Another member has claimed the others.
    pub moved: Vec<Partition>,
    /// The instants through which they are complete once this is committed, as far as they ever were.
    pub complete_through: Vec<(Partition, DateTime<Utc>)>,
    /// The ledger's floor, in seconds since the Unix epoch. It can't rise before this transaction ends.
    pub floor: i64,
    /// Where it takes place.
    pub incarnation: Incarnation,
    /// What it attains on a cluster, each under its claim: the next commits write that.
    attained: Vec<(Partition, i64, DateTime<Utc>)>,
}

impl Connection {
    /// Begins a transaction and moves partitions forward in it: each only if its progress is where its step begins, under
    /// the step's epoch.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing has happened.
    pub async fn begin_fenced(&mut self, steps: &[Step]) -> Result<FencedTransaction<'_>, Error> {
        let mut sorted: Vec<_> =
            steps.iter().map(|step| (self.topics.of(step.partition.topic), step)).collect();
        sorted.sort_unstable_by_key(|(topic, step)| (*topic, step.partition.number));
        let topics: Vec<&str> = sorted.iter().map(|(topic, _)| *topic).collect();
        let partitions: Vec<i32> = sorted.iter().map(|(_, step)| step.partition.number).collect();
        let epochs: Vec<i64> = sorted.iter().map(|(_, step)| step.epoch).collect();
        let from: Vec<i64> = sorted.iter().map(|(_, step)| step.span.from.0).collect();
        let until: Vec<i64> = sorted.iter().map(|(_, step)| step.span.until.0).collect();
        let leader_epochs: Vec<Option<i32>> = sorted.iter().map(|(_, step)| step.leader_epoch).collect();
        let misplaced: Vec<i64> = sorted.iter().map(|(_, step)| step.misplaced).collect();
        let promises = self.is_cluster.then_some(&mut self.promises);
        let complete = complete_through(&sorted, promises);

        let (client, statements) = (&self.client, &self.statements);
        let lock: [&(dyn ToSql + Sync); 2] = [&topics, &partitions];
        let compare_and_set: [&(dyn ToSql + Sync); 8] =
            [&topics, &partitions, &epochs, &from, &until, &complete, &leader_epochs, &misplaced];
        let question = Question::ask();
        // One round trip: `biased` sends the statements in this order, and PostgreSQL answers in it.
        let (_, _, moved, floor) = tokio::try_join!(
            biased;
            client.batch_execute("begin"),
            client.query(&statements.lock_progress, &lock),
            client.query(&statements.move_progress, &compare_and_set),
            client.query_one(&statements.floor, &[]),
        )?;
        let partition = |row: &Row| {
            Some(Partition { topic: self.topics.topic(row.get::<_, &str>(0))?, number: row.get(1) })
        };
        let complete = |row: &Row| Some((partition(row)?, row.get::<_, Option<DateTime<Utc>>>(2)?));
        let complete_through = moved.iter().filter_map(complete).collect();
        let moved: Vec<Partition> = moved.iter().filter_map(partition).collect();
        self.clock.take(question.answer(floor.get(1)));
        // The statements are those of what was pending when this connection was made.
        let is_pending = Pending::after(floor.get(2));
        if is_pending != statements.counters.pending() || floor.get::<_, bool>(3) != self.is_cluster {
            return Err(Error::UpgradeFinished);
        }
        let incarnation = Incarnation::at(&floor, 4);
        let floor = seconds_or_min(&floor)?;
        let attained = |step: &Step| Some((step.partition, step.epoch, step.complete_through?));
        let has_moved = |step: &&Step| self.is_cluster && moved.contains(&step.partition);
        let attained = steps.iter().filter(has_moved).filter_map(attained).collect();
        Ok(FencedTransaction { connection: self, moved, complete_through, floor, incarnation, attained })
    }
}

/// What the steps write: what they attain, or on a cluster what the commits before attained.
fn complete_through(steps: &[(&str, &Step)], promises: Option<&mut Promises>) -> Vec<Option<DateTime<Utc>>> {
    let steps = steps.iter().map(|(_, step)| *step);
    match promises {
        None => steps.map(|step| step.complete_through).collect(),
        Some(promises) => steps.map(|step| promises.take(step.partition, step.epoch)).collect(),
    }
}

/// The floor in seconds. Before it was first raised it is `-infinity`, which chrono has no time for.
pub(super) fn seconds_or_min(row: &Row) -> Result<i64, Error> {
    use tokio_postgres::types::Timestamp;
    Ok(match row.try_get::<_, Timestamp<DateTime<Utc>>>(0)? {
        Timestamp::NegInfinity => i64::MIN,
        Timestamp::PosInfinity => i64::MAX,
        Timestamp::Value(time) => time.timestamp(),
    })
}

impl FencedTransaction<'_> {
    /// Writes the rows of the moved partitions and commits, in one more round trip, or in some more if counters' rows are very many.
    /// Rows that other members also write come last, so that they are locked for the shortest time.
    ///
    /// # Errors
    /// When PostgreSQL fails. Whether the transaction was committed is then unknown, and must be read from the progress.
    pub async fn commit(self, rows: &Rows) -> Result<(), Error> {
        let Connection { client, statements, promises, .. } = self.connection;
        for (size, rows) in rows.counters() {
            statements.counters.prepare(client, size, rows).await?;
        }
        let Writes { others, counters } = writes(statements, rows);
        let client = &*client;
        let execute = |write| execute(client, write);
        // All is sent in one flight, but of many counters' statements the next only when an earlier one is done.
        let (first, last) = counters.split_at(counters.len().saturating_sub(STATEMENTS_AT_ONCE));
        let mut last: Vec<_> = last.iter().map(execute).collect();
        if first.is_empty() {
            last.splice(..0, others.iter().map(execute));
        } else {
            let others = try_join_all(others.iter().map(execute));
            let first =
                stream::iter(first).map(execute).buffered(STATEMENTS_AT_ONCE).try_for_each(|_| ready(Ok(())));
            if let Err(error) = tokio::try_join!(biased; others, first) {
                client.batch_execute("rollback").await?;
                return Err(error.into());
            }
        }
        let sent = try_join_all(last);
        // After a failed write COMMIT rolls back; the write's error is returned.
        let (written, committed) = tokio::join!(biased; sent, commit(client));
        written?;
        committed?;
        for (partition, epoch, complete_through) in self.attained {
            promises.keep(partition, epoch, complete_through);
        }
        Ok(())
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// When PostgreSQL fails, which rolls it back too.
    pub async fn roll_back(self) -> Result<(), Error> {
        Ok(self.connection.client.batch_execute("rollback").await?)
    }
}

async fn execute(client: &Client, write: &Write<'_>) -> Result<u64, tokio_postgres::Error> {
    client.execute(write.statement, &write.parameters).await
}

async fn commit(client: &Client) -> Result<(), Error> {
    Ok(client.batch_execute("commit").await?)
}
