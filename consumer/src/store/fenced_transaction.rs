//! A batch's transaction. Nothing is written without the compare-and-set on its spans: the type that can write is made
//! by it alone.

use super::ledger_rows::TailRow;
use super::statements::{CounterColumns, Statements};
use super::{Connection, Error, Rows};
use crate::record::{Partition, Span};
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

/// A partition's step forward.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which partition.
    pub partition: Partition,
    /// Under which claim.
    pub epoch: i64,
    /// From where to where.
    pub span: Span,
    /// The instant through which everything is counted once this is committed, if that is known.
    pub complete_through: Option<DateTime<Utc>>,
}

/// An open transaction that has moved its partitions forward, and may write what goes with it.
pub struct FencedTransaction<'a> {
    connection: &'a mut Connection,
    /// The partitions that moved. The others belong to somebody else now.
    pub moved: Vec<Partition>,
    /// The ledger's floor, in seconds since the Unix epoch; it can't rise before this transaction ends.
    pub floor: i64,
}

impl Connection {
    /// Begins a transaction by moving partitions forward, each only if it stands where `spans` says, under the same
    /// claim.
    ///
    /// # Errors
    /// When PostgreSQL fails; then nothing has happened.
    pub async fn claim(&mut self, spans: &[Step]) -> Result<FencedTransaction<'_>, Error> {
        let mut sorted: Vec<_> =
            spans.iter().map(|step| (self.topics.of(step.partition.topic), step)).collect();
        sorted.sort_unstable_by_key(|(topic, step)| (*topic, step.partition.number));
        let topics: Vec<&str> = sorted.iter().map(|(topic, _)| *topic).collect();
        let partitions: Vec<i32> = sorted.iter().map(|(_, step)| step.partition.number).collect();
        let epochs: Vec<i64> = sorted.iter().map(|(_, step)| step.epoch).collect();
        let from: Vec<i64> = sorted.iter().map(|(_, step)| step.span.from.0).collect();
        let until: Vec<i64> = sorted.iter().map(|(_, step)| step.span.until.0).collect();
        let complete: Vec<Option<DateTime<Utc>>> =
            sorted.iter().map(|(_, step)| step.complete_through).collect();

        let (client, statements) = (&self.client, &self.statements);
        let lock: [&(dyn ToSql + Sync); 2] = [&topics, &partitions];
        let step: [&(dyn ToSql + Sync); 6] = [&topics, &partitions, &epochs, &from, &until, &complete];
        // One round trip: joined futures are sent in this order, and answered in it.
        let (_, _, moved, floor) = tokio::try_join!(
            biased;
            client.batch_execute("begin"),
            client.query(&statements.lock_progress, &lock),
            client.query(&statements.move_progress, &step),
            client.query_one(&statements.floor, &[]),
        )?;
        let moved: Vec<tokio_postgres::Row> = moved;
        let moved = moved.iter().map(|row| (row.get::<_, String>(0), row.get::<_, i32>(1)));
        let moved =
            moved.filter_map(|(topic, number)| Some(Partition { topic: self.topics.topic(&topic)?, number }));
        let moved = moved.collect();
        let floor = seconds_or_min(&floor)?;
        Ok(FencedTransaction { connection: self, moved, floor })
    }
}

/// The floor in seconds; `-infinity`, before it was first raised, is no time chrono has.
pub(super) fn seconds_or_min(row: &tokio_postgres::Row) -> Result<i64, Error> {
    use tokio_postgres::types::Timestamp;
    Ok(match row.try_get::<_, Timestamp<DateTime<Utc>>>(0)? {
        Timestamp::NegInfinity => i64::MIN,
        Timestamp::PosInfinity => i64::MAX,
        Timestamp::Value(time) => time.timestamp(),
    })
}

impl FencedTransaction<'_> {
    /// Writes the rows that go with the step, and commits. One more round trip: the statements and the commit are
    /// sent together, the rows that other members share last, so that they are locked for as short as can be.
    ///
    /// # Errors
    /// When PostgreSQL fails. Whether it has happened is then unknown, and must be read from the progress.
    pub async fn commit(self, rows: &Rows) -> Result<(), Error> {
        let Connection { client, statements, .. } = self.connection;
        for (size, rows) in rows.counters() {
            statements.prepare_counters(client, size, CounterColumns::given(&rows.counters)).await?;
        }
        let writes = writes(statements, rows);
        let sent =
            try_join_all(writes.iter().map(|(statement, parameters)| client.execute(*statement, parameters)));
        // Should a write fail, COMMIT rolls back, and the write's error is what is returned.
        let (written, committed) = tokio::join!(biased; sent, commit(client));
        written?;
        committed
    }

    /// Ends the transaction without a trace.
    ///
    /// # Errors
    /// When PostgreSQL fails; the trace is gone all the same.
    pub async fn roll_back(self) -> Result<(), Error> {
        Ok(self.connection.client.batch_execute("rollback").await?)
    }
}

async fn commit(client: &Client) -> Result<(), Error> {
    Ok(client.batch_execute("commit").await?)
}

type Write<'a> = (&'a Statement, Vec<&'a (dyn ToSql + Sync)>);

/// The statements with something to write, in order.
fn writes<'a>(statements: &'a Statements, rows: &'a Rows) -> Vec<Write<'a>> {
    let Rows {
        segments: s,
        tails,
        filed,
        organizations: o,
        workflows: w,
        failures: f,
        dead_letters: d,
        letter_runs: r,
        counters: _,
    } = rows;
    let mut writes: Vec<(bool, Write<'a>)> = vec![
        (filed.topic.is_empty(), (&statements.file_tails, vec![&filed.topic, &filed.partition])),
        (
            s.topic.is_empty(),
            (&statements.segments, {
                let mut all: Vec<&(dyn ToSql + Sync)> =
                    vec![&s.topic, &s.partition, &s.quarter, &s.until, &s.layout, &s.fingerprints];
                all.extend(s.sums.iter().map(|column| column as &(dyn ToSql + Sync)));
                all
            }),
        ),
        (
            d.topic.is_empty(),
            (
                &statements.dead_letters,
                vec![
                    &d.topic,
                    &d.topic_id,
                    &d.partition,
                    &d.offset,
                    &d.key,
                    &d.headers,
                    &d.payload,
                    &d.payload_bytes,
                    &d.kept_whole,
                    &d.broker_timestamp,
                    &d.reason,
                    &d.detail,
                    &d.organization,
                ],
            ),
        ),
        (d.topic.is_empty(), (&statements.out_of_runs, vec![&d.topic, &d.topic_id, &d.partition, &d.offset])),
        (
            r.topic.is_empty(),
            (&statements.letter_runs, vec![&r.topic, &r.topic_id, &r.partition, &r.reason, &r.offsets]),
        ),
        (
            f.organization.is_empty(),
            (
                &statements.failures,
                vec![
                    &f.organization,
                    &f.execution_id,
                    &f.workflow_id,
                    &f.workflow_name,
                    &f.outcome,
                    &f.error_message,
                    &f.execution_time_ms,
                    &f.finished_at,
                ],
            ),
        ),
        (
            o.organization.is_empty(),
            (
                &statements.organizations,
                vec![
                    &o.organization,
                    &o.name,
                    &o.plan_id,
                    &o.plan_name,
                    &o.as_of,
                    &o.as_of_nanos,
                    &o.event_id,
                ],
            ),
        ),
        (
            w.organization.is_empty(),
            (
                &statements.workflows,
                vec![
                    &w.organization,
                    &w.workflow_id,
                    &w.hour,
                    &w.name,
                    &w.name_as_of,
                    &w.runs,
                    &w.failed,
                    &w.failed_safety_limit,
                    &w.execution_time_ms,
                    &w.durations,
                ],
            ),
        ),
    ];
    writes.extend(tails.iter().map(|tail| (false, (&statements.tail, tail_columns(tail)))));
    for (size, c) in rows.counters() {
        let mut all: Vec<&(dyn ToSql + Sync)> = vec![&c.organization, &c.bucket];
        let given = c.counters.iter().filter(|column| !column.is_empty());
        all.extend(given.map(|column| column as &(dyn ToSql + Sync)));
        let statement = &statements.counters[&(size, CounterColumns::given(&c.counters))];
        writes.push((false, (statement, all)));
    }
    writes.into_iter().filter(|(empty, _)| !empty).map(|(_, write)| write).collect()
}

fn tail_columns(row: &TailRow) -> Vec<&(dyn ToSql + Sync)> {
    let TailRow { topic, partition, until, layout, newest, quarters, lengths, fingerprints, sums } = row;
    let mut all: Vec<&(dyn ToSql + Sync)> =
        vec![topic, partition, until, layout, newest, quarters, lengths, fingerprints];
    all.extend(sums.iter().map(|column| column as &(dyn ToSql + Sync)));
    all
}
