//! Refused records of which only places are kept: listing them, and marking those that were published again.

use super::{Error, LetterFilter, OperatorConnection, Redriven};
use crate::record::place::Place;
use crate::record::{Offset, Span};
use chrono::{DateTime, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Lines of a list at most. There is one for each topic, partition and reason, so there are never many.
const LINES_MAX: i64 = 10_000;

/// All of them with one partition and reason, as a list shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// Where they were read.
    pub place: Place,
    /// Kafka's id of the topic; empty where it isn't known.
    pub topic_id: String,
    /// The reason's code.
    pub reason: String,
    /// How many there are.
    pub records: i64,
    /// The first's offset.
    pub first_offset: i64,
    /// The last's offset.
    pub last_offset: i64,
    /// When the first of them was refused.
    pub first_rejected_at: DateTime<Utc>,
    /// When the last of them was refused.
    pub last_rejected_at: DateTime<Utc>,
    /// How many of them were published again.
    pub redriven: i64,
}

/// Those of one batch, partition and reason: a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRun {
    /// The row's id.
    pub run_id: i64,
    /// Where they were read.
    pub place: Place,
    /// Kafka's id of the topic; empty where it isn't known.
    pub topic_id: String,
    /// When they were refused.
    pub rejected_at: DateTime<Utc>,
    /// The offsets of those that are selected, ascending.
    pub spans: Vec<Span>,
}

const CHOSEN: &str = "from dead_letter_runs
where ($1::text[] is null or reason = any($1)) and ($2::text is null or topic = $2)
  and ($3::integer is null or kafka_partition = $3) and ($4::bigint is null or offsets @> $4)
  and $5::text is null
  and ($6::timestamptz is null or rejected_at >= $6) and ($7::timestamptz is null or rejected_at < $7)";

/// How many records a multirange holds.
fn records_in(offsets: &str) -> String {
    format!("(select coalesce(sum(upper(o) - lower(o)), 0)::bigint from unnest({offsets}) o)")
}

impl OperatorConnection {
    /// Those that are selected, by partition and reason. Their organization is not kept, so a filter by organization
    /// selects none.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn run_lines(&self, filter: &LetterFilter) -> Result<Vec<RunLine>, Error> {
        let (records, redriven) = (records_selected(filter), records_in("redriven"));
        let query = format!(
            "select topic, kafka_partition, topic_id, reason, sum({records})::bigint, min(lower(offsets)), \
             max(upper(offsets)) - 1, min(rejected_at), max(rejected_at), sum({redriven})::bigint {CHOSEN} \
             group by topic, topic_id, kafka_partition, reason \
             order by topic, topic_id, kafka_partition, reason limit {LINES_MAX}"
        );
        Ok(self.client.query(&query, &parameters(filter)).await?.iter().map(run_line).collect())
    }

    /// How many records are selected.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn count_in_runs(&self, filter: &LetterFilter, redriven: Redriven) -> Result<i64, Error> {
        let records = match redriven {
            Redriven::Too => records_selected(filter),
            Redriven::Not => records_in(&spans_selected(filter, redriven)),
        };
        let query = format!("select coalesce(sum({records}), 0)::bigint {CHOSEN}");
        Ok(self.client.query_one(&query, &parameters(filter)).await?.get(0))
    }

    /// One page of rows, after the row `after`.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn letter_runs(
        &self,
        filter: &LetterFilter,
        redriven: Redriven,
        after: i64,
        limit: i64,
    ) -> Result<Vec<LetterRun>, Error> {
        let spans = spans_selected(filter, redriven);
        let query = format!(
            "select run_id, topic, kafka_partition, topic_id, rejected_at, \
             array(select lower(o) from unnest({spans}) o order by 1), \
             array(select upper(o) from unnest({spans}) o order by 1) \
             {CHOSEN} and run_id > $8 and not isempty({spans}) order by run_id limit $9"
        );
        let mut values = parameters(filter);
        values.extend([&after as &(dyn ToSql + Sync), &limit]);
        Ok(self.client.query(&query, &values).await?.iter().map(letter_run).collect())
    }

    /// Marks records of these rows, all of one partition, as published again.
    ///
    /// # Errors
    /// When PostgreSQL fails.
    pub async fn mark_runs_redriven(&self, run_ids: &[i64], offsets: &[Offset]) -> Result<(), Error> {
        let offsets: Vec<i64> = offsets.iter().map(|offset| offset.0).collect();
        let mark = "update dead_letter_runs r set redriven_at = now(), redriven = r.redriven + ( \
                        select coalesce(range_agg(int8range(o, o + 1)), '{}') from unnest($2::bigint[]) o \
                    ) * r.offsets where run_id = any($1)";
        self.client.execute(mark, &[&run_ids, &offsets]).await?;
        Ok(())
    }
}

/// The offsets of a row that are selected: all, or the one asked for, or those not published again.
fn spans_selected(filter: &LetterFilter, redriven: Redriven) -> String {
    let all = match redriven {
        Redriven::Too => "offsets",
        Redriven::Not => "(offsets - redriven)",
    };
    match filter.offset {
        Some(offset) => format!("({all} * int8multirange(int8range({offset}, {offset} + 1)))"),
        None => all.to_owned(),
    }
}

fn records_selected(filter: &LetterFilter) -> String {
    // A row that holds the offset asked for has one record at it.
    filter.offset.map_or("records", |_| "1").to_owned()
}

fn parameters(filter: &LetterFilter) -> Vec<&(dyn ToSql + Sync)> {
    vec![
        &filter.reasons,
        &filter.topic,
        &filter.partition,
        &filter.offset,
        &filter.organization,
        &filter.since,
        &filter.until,
    ]
}

fn run_line(row: &Row) -> RunLine {
    RunLine {
        place: Place { topic: row.get(0), partition: row.get(1) },
        topic_id: row.get(2),
        reason: row.get(3),
        records: row.get(4),
        first_offset: row.get(5),
        last_offset: row.get(6),
        first_rejected_at: row.get(7),
        last_rejected_at: row.get(8),
        redriven: row.get(9),
    }
}

fn letter_run(row: &Row) -> LetterRun {
    let (from, until): (Vec<i64>, Vec<i64>) = (row.get(5), row.get(6));
    let spans = from.into_iter().zip(until);
    LetterRun {
        run_id: row.get(0),
        place: Place { topic: row.get(1), partition: row.get(2) },
        topic_id: row.get(3),
        rejected_at: row.get(4),
        spans: spans.map(|(from, until)| Span { from: Offset(from), until: Offset(until) }).collect(),
    }
}
