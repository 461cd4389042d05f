//! The statements of a batch, prepared once per connection.

use domain::{BucketSize, Counters};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use tokio_postgres::{Client, Error, Statement};

/// Prepared statements, in the order a transaction uses them.
pub struct Statements {
    pub lock_progress: Statement,
    pub move_progress: Statement,
    pub floor: Statement,
    pub segments: Statement,
    pub tail: Statement,
    pub file_tails: Statement,
    pub organizations: Statement,
    pub workflows: Statement,
    pub failures: Statement,
    pub dead_letters: Statement,
    pub out_of_runs: Statement,
    pub letter_runs: Statement,
    pub counters: HashMap<(BucketSize, Columns), Statement>,
    pub page_sizes: Statement,
    pub load_pages: Statement,
    pub look_up: Statement,
}

impl Statements {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            lock_progress: client.prepare(LOCK_PROGRESS).await?,
            move_progress: client.prepare(MOVE_PROGRESS).await?,
            floor: client.prepare("select floor from ledger_floor for share").await?,
            segments: client.prepare(&segments()).await?,
            tail: client.prepare(&tail()).await?,
            file_tails: client.prepare(FILE_TAILS).await?,
            organizations: client.prepare(ORGANIZATIONS).await?,
            workflows: client.prepare(WORKFLOWS).await?,
            failures: client.prepare(FAILURES).await?,
            dead_letters: client.prepare(DEAD_LETTERS).await?,
            out_of_runs: client.prepare(OUT_OF_RUNS).await?,
            letter_runs: client.prepare(LETTER_RUNS).await?,
            counters: HashMap::new(),
            page_sizes: client.prepare(&page_sizes()).await?,
            load_pages: client.prepare(&load_pages()).await?,
            look_up: client.prepare(&look_up()).await?,
        })
    }
}

/// Some of the counters' columns. Most batches have few of them, and a row is added to faster when the others aren't named.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Columns([bool; Counters::NAMES.len()]);

impl Columns {
    /// Those that have values.
    pub fn given(columns: &[Vec<i64>; Counters::NAMES.len()]) -> Self {
        Self(columns.each_ref().map(|column| !column.is_empty()))
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        Counters::NAMES.into_iter().zip(self.0).filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

impl Statements {
    /// Prepares what adds to these columns, once for each set of them.
    pub async fn prepare_counters(
        &mut self,
        client: &Client,
        size: BucketSize,
        columns: Columns,
    ) -> Result<(), Error> {
        if let Entry::Vacant(place) = self.counters.entry((size, columns)) {
            place.insert(client.prepare(&counters(size, columns)).await?);
        }
        Ok(())
    }
}

/// Locks in key order what the next statement moves: an UPDATE alone locks in whatever order its plan has.
const LOCK_PROGRESS: &str = "
select 1 from consumer_progress p
join unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) using (topic, kafka_partition)
order by topic, kafka_partition for update of p";

/// The compare-and-set. READ COMMITTED checks the condition again on a row it had to wait for, which is the point.
const MOVE_PROGRESS: &str = "
update consumer_progress p
set next_offset = w.until, complete_through = greatest(p.complete_through, w.complete_through), updated_at = now()
from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[])
     as w (topic, kafka_partition, epoch, from_offset, until, complete_through)
where p.topic = w.topic and p.kafka_partition = w.kafka_partition
  and p.epoch = w.epoch and p.next_offset = w.from_offset
returning p.topic, p.kafka_partition";

const ORGANIZATIONS: &str = "
insert into organizations as o (organization_id, name, plan_id, plan_name, as_of, as_of_nanos, event_id)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::smallint[], $7::text[])
on conflict (organization_id) do update
set name = excluded.name, plan_id = excluded.plan_id, plan_name = excluded.plan_name,
    as_of = excluded.as_of, as_of_nanos = excluded.as_of_nanos, event_id = excluded.event_id
where (o.as_of, o.as_of_nanos, o.event_id) < (excluded.as_of, excluded.as_of_nanos, excluded.event_id)";

const WORKFLOWS: &str = "
insert into workflow_hourly_metrics as t (organization_id, workflow_id, hour_bucket, workflow_name, name_as_of,
                                          runs, failed, failed_safety_limit, total_execution_time_ms, durations)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[],
                     $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], ($10::text[])::numeric[])
on conflict (organization_id, workflow_id, hour_bucket) do update
set workflow_name = case when (t.name_as_of, t.workflow_name) < (excluded.name_as_of, excluded.workflow_name)
                         then excluded.workflow_name else t.workflow_name end,
    name_as_of = greatest(t.name_as_of, excluded.name_as_of),
    runs = t.runs + excluded.runs,
    failed = t.failed + excluded.failed,
    failed_safety_limit = t.failed_safety_limit + excluded.failed_safety_limit,
    total_execution_time_ms = t.total_execution_time_ms + excluded.total_execution_time_ms,
    durations = t.durations + excluded.durations,
    updated_at = now()";

/// Two runs of one execution id in different quarters are two identities; the list shows the later.
const FAILURES: &str = "
insert into workflow_failures as f (organization_id, execution_id, workflow_id, workflow_name, outcome, error_message,
                                    execution_time_ms, finished_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                     $8::timestamptz[])
on conflict (organization_id, execution_id) do update
set workflow_id = excluded.workflow_id, workflow_name = excluded.workflow_name, outcome = excluded.outcome,
    error_message = excluded.error_message, execution_time_ms = excluded.execution_time_ms,
    finished_at = excluded.finished_at
where f.finished_at < excluded.finished_at";

const DEAD_LETTERS: &str = "
insert into dead_letters (topic, topic_id, kafka_partition, kafka_offset, key, headers, payload, payload_bytes,
                          kept_whole, broker_timestamp, reason, detail, organization_id)
select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bytea[], $6::jsonb[], $7::bytea[],
                     $8::integer[], $9::boolean[], $10::timestamptz[], $11::text[], $12::text[], $13::text[])
on conflict do nothing";

/// The rows of partitions' tails, which are among the segments now.
const FILE_TAILS: &str = "
delete from ledger_tails t using unnest($1::text[], $2::integer[]) as w (topic, kafka_partition)
where t.topic = w.topic and t.kafka_partition = w.kafka_partition";

/// After a partition was set back: what is kept now doesn't stand in a run any more. Nothing to do otherwise, which the
/// index by the runs' ends says at once.
const OUT_OF_RUNS: &str = "
with kept as (
    select topic, topic_id, kafka_partition, range_agg(int8range(kafka_offset, kafka_offset + 1)) as offsets
    from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[]) as w (topic, topic_id, kafka_partition, kafka_offset)
    group by topic, topic_id, kafka_partition
), left_over as (
    select r.run_id, r.offsets - k.offsets as offsets from kept k join dead_letter_runs r
    on r.topic = k.topic and r.topic_id = k.topic_id and r.kafka_partition = k.kafka_partition
       and upper(r.offsets) > lower(k.offsets) and r.offsets && k.offsets
), gone as (
    delete from dead_letter_runs r using left_over l where r.run_id = l.run_id and isempty(l.offsets)
)
update dead_letter_runs r
set offsets = l.offsets, redriven = r.redriven * l.offsets,
    records = (select sum(upper(o) - lower(o)) from unnest(l.offsets) o)
from left_over l where r.run_id = l.run_id and not isempty(l.offsets)";

/// But for what is known already, which is nothing unless the partition was set back.
const LETTER_RUNS: &str = "
insert into dead_letter_runs (topic, topic_id, kafka_partition, reason, offsets, records)
select w.topic, w.topic_id, w.kafka_partition, w.reason, fresh.offsets,
       (select sum(upper(o) - lower(o)) from unnest(fresh.offsets) o)
from (select topic, topic_id, kafka_partition, reason, offsets::int8multirange as offsets
      from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[])
           as w (topic, topic_id, kafka_partition, reason, offsets)) w
cross join lateral (
    select w.offsets
        - coalesce((select range_agg(r.offsets) from dead_letter_runs r
                    where r.topic = w.topic and r.topic_id = w.topic_id and r.kafka_partition = w.kafka_partition
                      and upper(r.offsets) > lower(w.offsets) and r.offsets && w.offsets), '{}')
        - coalesce((select range_agg(int8range(d.kafka_offset, d.kafka_offset + 1)) from dead_letters d
                    where d.topic = w.topic and d.topic_id = w.topic_id and d.kafka_partition = w.kafka_partition
                      and d.kafka_offset >= lower(w.offsets) and d.kafka_offset < upper(w.offsets)), '{}') as offsets
) fresh
where not isempty(fresh.offsets)";

/// Pages by place in the question, each with the layout its partition was claimed under.
const PAGES_ASKED: &str = "unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::integer[])
     as w (n, topic, kafka_partition, quarter, layout)";

/// The segments of a page: its partition's, and those of older layouts, which are of all partitions. A lateral join, so
/// that each page is looked for in its own day's table only.
fn segments_of_page(columns: &str) -> String {
    format!(
        "(select {columns} from ledger_segments s
          where s.quarter = w.quarter and s.topic = w.topic and s.kafka_partition = w.kafka_partition
          union all
          select {columns} from ledger_segments s
          where w.layout > 1 and s.quarter = w.quarter and s.topic = w.topic
            and s.kafka_partition <> w.kafka_partition and s.layout < w.layout)"
    )
}

fn page_sizes() -> String {
    let segments = segments_of_page(
        "octet_length(s.fingerprints) as bytes, octet_length(coalesce(s.filter, s.fingerprints)) as read",
    );
    format!(
        "select w.n, p.bytes, p.read from {PAGES_ASKED}
         cross join lateral (
             select sum(s.bytes)::bigint as bytes, sum(s.read)::bigint as read from {segments} s) p
         where p.bytes > 0"
    )
}

/// `$6` says of each page whether fingerprints are wanted where there is a filter.
fn load_pages() -> String {
    let segments = segments_of_page(
        "case when not w.whole then s.filter end as filter, \
         case when w.whole or s.filter is null then s.fingerprints end as fingerprints",
    );
    format!(
        "select w.n, p.filter, p.fingerprints
         from unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::integer[], $6::boolean[])
              as w (n, topic, kafka_partition, quarter, layout, whole)
         cross join lateral {segments} p"
    )
}

/// Of each segment of a page the stretches in which fingerprints must be, if they are there. Fingerprints are uniform, so
/// that of `length` the one at `share` of all 64-bit numbers stands at about `share * length`; how far off it may be goes
/// with the root of the length. The stretch is read without the rest of the array, which is stored uncompressed for that.
/// Said with it: whether it begins, and whether it ends, where the array does. A page's shares are those of `$6` from
/// `w.first` to `w.last`: its segments are looked for once.
fn look_up() -> String {
    let segments = segments_of_page("s.fingerprints, octet_length(s.fingerprints) / 8 as length");
    format!(
        "select (w.first + l.place - 2)::integer, p.first = 0, p.last = p.length,
                case when p.last > p.first
                     then substring(p.fingerprints from 1 + 8 * p.first for 8 * (p.last - p.first)) else '' end
         from unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::integer[], $7::integer[],
                     $8::integer[]) as w (n, topic, kafka_partition, quarter, layout, first, last)
         cross join lateral {segments} s
         cross join lateral unnest(($6::float8[])[w.first:w.last]) with ordinality as l (share, place)
         cross join lateral (
             select s.fingerprints, s.length,
                    greatest(0, floor(l.share * s.length - $9::float8 * sqrt(s.length)))::integer as first,
                    least(s.length, ceil(l.share * s.length + $9::float8 * sqrt(s.length)))::integer as last) p"
    )
}

fn segments() -> String {
    let names = Counters::NAMES.join(", ");
    format!(
        "insert into ledger_segments (topic, kafka_partition, quarter, until, layout, fingerprints, {names}) \
         select * from unnest($1::text[], $2::integer[], $3::timestamptz[], $4::bigint[], $5::integer[], $6::bytea[], \
         {})",
        arrays_from(7)
    )
}

fn tail() -> String {
    let names = Counters::NAMES.join(", ");
    format!(
        "insert into ledger_tails (topic, kafka_partition, until, layout, newest, quarters, lengths, fingerprints, {names}) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, {})",
        arrays_from(9)
    )
}

/// The shared rows: what many members add to. They come last in a transaction.
fn counters(size: BucketSize, columns: Columns) -> String {
    let (table, bucket) = (size.table(), size.column());
    let names: String = columns.names().map(|name| format!(", {name}")).collect();
    let sums: String = columns.names().map(|name| format!("{name} = t.{name} + excluded.{name}, ")).collect();
    let arrays: String = (3..).zip(columns.names()).map(|(n, _)| format!(", ${n}::bigint[]")).collect();
    format!(
        "insert into {table} as t (organization_id, {bucket}{names}) \
         select * from unnest($1::text[], $2::timestamptz[]{arrays}) \
         on conflict (organization_id, {bucket}) do update set {sums}updated_at = now()"
    )
}

/// Eight parameters of counters, the first of them number `first`.
fn arrays_from(first: usize) -> String {
    (first..first + Counters::NAMES.len()).map(|n| format!("${n}::bigint[]")).collect::<Vec<_>>().join(", ")
}
