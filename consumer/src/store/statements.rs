//! The statements that count a batch, prepared once per connection.

use super::channel_statements;
use super::cluster::{IS_CLUSTER, IS_SETTLED};
use super::counter_statements::CounterStatements;
use super::page_statements;
use super::primary::{FIND_CLAIMS, INCARNATION};
use domain::Counters;
use tokio_postgres::{Client, Error, Statement};

/// Prepared statements: those of a batch's transaction, then those that decide a batch.
pub struct Statements {
    pub lock_progress: Statement,
    pub move_progress: Statement,
    pub find_claims: Statement,
    pub floor: Statement,
    pub segments: Statement,
    pub tail: Statement,
    pub file_tails: Statement,
    pub organizations: Statement,
    pub workflows: Statement,
    pub workflow_days: Statement,
    pub failures: Statement,
    pub dead_letters: Statement,
    pub out_of_runs: Statement,
    pub letter_runs: Statement,
    pub refusals: Statement,
    pub channel_names: Statement,
    pub channel_hours: Statement,
    pub channel_days: Statement,
    pub counters: CounterStatements,
    pub page_sizes: Statement,
    pub load_pages: Statement,
    pub look_up: Statement,
}

impl Statements {
    /// For one server, or for a cluster.
    pub async fn prepare(client: &Client, is_cluster: bool) -> Result<Self, Error> {
        Ok(Self {
            lock_progress: client.prepare(LOCK_PROGRESS).await?,
            move_progress: client.prepare(&move_progress(is_cluster)).await?,
            find_claims: client.prepare(FIND_CLAIMS).await?,
            floor: client.prepare(&floor()).await?,
            segments: client.prepare(&segments()).await?,
            tail: client.prepare(&tail()).await?,
            file_tails: client.prepare(FILE_TAILS).await?,
            organizations: client.prepare(ORGANIZATIONS).await?,
            workflows: client.prepare(&workflow_hours()).await?,
            workflow_days: client.prepare(&workflow_days()).await?,
            failures: client.prepare(FAILURES).await?,
            dead_letters: client.prepare(DEAD_LETTERS).await?,
            out_of_runs: client.prepare(OUT_OF_RUNS).await?,
            letter_runs: client.prepare(LETTER_RUNS).await?,
            refusals: client.prepare(REFUSALS).await?,
            channel_names: client.prepare(&channel_statements::names(is_cluster)).await?,
            channel_hours: client.prepare(&channel_statements::hours(is_cluster)).await?,
            channel_days: client.prepare(&channel_statements::days(is_cluster)).await?,
            counters: CounterStatements::for_database(client).await?,
            page_sizes: client.prepare(&page_statements::page_sizes()).await?,
            load_pages: client.prepare(&page_statements::load_pages()).await?,
            look_up: client.prepare(&page_statements::look_up()).await?,
        })
    }
}

/// Locks the rows that the next statement moves, in key order. An UPDATE alone locks them in whatever order its plan has,
/// and two members could deadlock.
const LOCK_PROGRESS: &str = "
select 1 from consumer_progress p
join unnest($1::text[], $2::integer[]) as w (topic, kafka_partition) using (topic, kafka_partition)
order by topic, kafka_partition for update of p";

/// The compare-and-set. It relies on READ COMMITTED, which checks the condition again on a row that it had to wait for.
fn move_progress(is_cluster: bool) -> String {
    let complete_through = if is_cluster {
        format!("case when w.complete_through is not null and {IS_SETTLED} then w.complete_through end")
    } else {
        "w.complete_through".to_owned()
    };
    format!(
        "
update consumer_progress p
set next_offset = w.until, complete_through = greatest(p.complete_through, {complete_through}), updated_at = now(),
    leader_epoch = case when w.until > w.from_offset then w.leader_epoch else p.leader_epoch end,
    misplaced = p.misplaced + w.misplaced,
    misplaced_at = case when w.misplaced > 0 then now() else p.misplaced_at end
from unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::integer[],
            $8::bigint[])
     as w (topic, kafka_partition, epoch, from_offset, until, complete_through, leader_epoch, misplaced)
where p.topic = w.topic and p.kafka_partition = w.kafka_partition
  and p.epoch = w.epoch and p.next_offset = w.from_offset
returning p.topic, p.kafka_partition, p.complete_through"
    )
}

const ORGANIZATIONS: &str = "
insert into organizations as o (organization_id, name, plan_id, plan_name, as_of, as_of_nanos, event_id)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::smallint[], $7::text[])
on conflict (organization_id) do update
set name = excluded.name, plan_id = excluded.plan_id, plan_name = excluded.plan_name,
    as_of = excluded.as_of, as_of_nanos = excluded.as_of_nanos, event_id = excluded.event_id
where (o.as_of, o.as_of_nanos, o.event_id) < (excluded.as_of, excluded.as_of_nanos, excluded.event_id)";

/// Two runs of one execution id in different quarters are two identities, but one row of the list: the later run's.
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
                          kept_whole, broker_timestamp, reason, detail, organization_id, organization_from_key)
select * from unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bytea[], $6::jsonb[], $7::bytea[],
                     $8::integer[], $9::boolean[], $10::timestamptz[], $11::text[], $12::text[], $13::text[],
                     $14::text[])
on conflict do nothing";

/// Deletes the tails that are filed: their fingerprints are among the segments now.
const FILE_TAILS: &str = "
delete from ledger_tails t using unnest($1::text[], $2::integer[]) as w (topic, kafka_partition)
where t.topic = w.topic and t.kafka_partition = w.kafka_partition";

/// Removes the offsets of new dead letters from existing runs. They overlap only if a partition was reset and read again;
/// otherwise the index on the runs' ends shows at once that no run has them.
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

/// Adds runs, without offsets that have a dead letter or are in a run. Such offsets exist only after a reset.
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

/// Adds to what senders are told. The example is the newest batch's.
const REFUSALS: &str = "
insert into organization_refusals as r (organization_id, topic, reason, guessed, records, example_partition,
                                        example_offset, example_key, example_detail, quarter_bucket, first_at, last_at)
select w.*, date_bin('15 minutes', now(), 'epoch'), now(), now()
from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::integer[], $7::bigint[], $8::bytea[],
            $9::text[]) as w
on conflict (organization_id, quarter_bucket, topic, reason, guessed) do update
set records = r.records + excluded.records,
    first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at),
    example_partition = excluded.example_partition, example_offset = excluded.example_offset,
    example_key = excluded.example_key, example_detail = excluded.example_detail";

/// The floor, the database's clock, the newest migration that is finished, whether there is a cluster, and the
/// [`Incarnation`](super::Incarnation).
fn floor() -> String {
    format!(
        "select floor, clock_timestamp(), finished, {IS_CLUSTER}, {INCARNATION} from ledger_floor for share"
    )
}

/// What a batch adds to workflows' hours, a row each.
const WORKFLOW_HOURS: &str = "unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::bigint[], \
                              $7::bigint[], $8::bigint[], $9::bigint[], ($10::text[])::numeric[])";

/// Adds to workflows' hours.
fn workflow_hours() -> String {
    workflows("workflow_hourly_metrics", "hour_bucket", &format!("select * from {WORKFLOW_HOURS}"))
}

/// Adds the same to workflows' days. Rows are locked in the order of their keys, as bytes.
fn workflow_days() -> String {
    let days = format!(
        "select o, w, date_bin('1 day', hour, 'epoch'), (array_agg(name order by named desc, name collate \"C\" desc))[1], \
                max(named), sum(runs)::bigint, sum(failed)::bigint, sum(limited)::bigint, sum(ms)::bigint, sum(durations) \
         from {WORKFLOW_HOURS} as hours (o, w, hour, name, named, runs, failed, limited, ms, durations) \
         group by 1, 2, 3 order by o collate \"C\", w collate \"C\", 3"
    );
    workflows("workflow_daily_metrics", "day_bucket", &days)
}

fn workflows(table: &str, bucket: &str, rows: &str) -> String {
    format!(
        "insert into {table} as t (organization_id, workflow_id, {bucket}, workflow_name, name_as_of, \
                                   runs, failed, failed_safety_limit, total_execution_time_ms, durations) \
         {rows} \
         on conflict (organization_id, workflow_id, {bucket}) do update \
         set workflow_name = case when (t.name_as_of, t.workflow_name) < (excluded.name_as_of, excluded.workflow_name) \
                                  then excluded.workflow_name else t.workflow_name end, \
             name_as_of = greatest(t.name_as_of, excluded.name_as_of), \
             runs = t.runs + excluded.runs, \
             failed = t.failed + excluded.failed, \
             failed_safety_limit = t.failed_safety_limit + excluded.failed_safety_limit, \
             total_execution_time_ms = t.total_execution_time_ms + excluded.total_execution_time_ms, \
             durations = t.durations + excluded.durations, \
             updated_at = excluded.updated_at"
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

/// Eight parameters of counters, the first of them number `first`.
fn arrays_from(first: usize) -> String {
    (first..first + Counters::NAMES.len()).map(|n| format!("${n}::bigint[]")).collect::<Vec<_>>().join(", ")
}
