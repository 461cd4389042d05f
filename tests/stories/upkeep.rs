//! Upkeep beside counting: it gives way to locks, and none of its tasks stops another.

use crate::telling::{orders_created, orders_in};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;
use tokio_postgres::Client;

/// How long upkeep may take to try, or to try again after a failure.
const LIMIT: Duration = Duration::from_secs(60);

/// Counting waits for no lock longer than this because of upkeep, or of an erasure, in seconds.
pub const STALL_MAX: f64 = 1.0;

/// The longest that a session of the story's database has waited for a lock by now, in seconds.
pub const LONGEST_WAIT: &str = "
select coalesce(max(extract(epoch from clock_timestamp() - waitstart)), 0)::float8
from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())";

/// Counts order after order until a task of upkeep has failed, and meanwhile looks how long sessions wait for locks.
async fn counting_beside_a_failing_task(stack: &Stack, task: &str) -> i64 {
    let member = stack.consumer().start().await;
    let watcher = stack.client().await;
    let label = format!("task=\"{task}\"");
    let counting = async {
        for number in 0.. {
            stack.produce(orders_in(0, "acme", number..number + 1)).await;
            stack.until_idle().await;
            if member.metric("consumer_upkeep_failing_seconds", &label).await > 0.0 {
                return number as i64 + 1;
            }
        }
        0
    };
    let watching = async {
        loop {
            let waited: f64 = watcher.query_one(LONGEST_WAIT, &[]).await.expect("a wait").get(0);
            assert!(waited < STALL_MAX, "a session has waited for a lock for {waited:.1} s");
        }
    };
    let counted = tokio::select! {
        counted = tokio::time::timeout(LIMIT, counting) => counted.expect("upkeep that gives way"),
        () = watching => 0,
    };
    assert_eq!(member.stop().await, Some(0));
    counted
}

async fn until(client: &Client, what: &str, query: &str) {
    let waiting = wait::until(what, LIMIT, async || {
        let is_so: bool = client.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(is_so, "not yet"))
    });
    waiting.await.expect(what);
}

#[tokio::test]
async fn a_lock_on_a_day_past_its_retention_stalls_nothing_and_the_day_is_dropped_when_it_ends() {
    let stack = Stack::with_partitions(1).await;
    let client = stack.client().await;
    let day = "create table ledger_segments_20200101 partition of ledger_segments
               for values from ('2020-01-01') to ('2020-01-02');
               do $$ begin
                   execute (select format('alter table ledger_segments_20200101 owner to %I', pg_get_userbyid(relowner))
                            from pg_class where oid = 'ledger_segments'::regclass);
               end $$";
    client.batch_execute(day).await.expect("a day");
    // Like a dump, or a transaction at psql that nobody has ended.
    let lock = "begin; lock table ledger_segments, ledger_segments_20200101 in access share mode";
    let reader = stack.client().await;
    reader.batch_execute(lock).await.expect("locks");
    let counted = counting_beside_a_failing_task(&stack, "ledger_days").await;
    stack.counts("acme").await.are(orders_created(counted));

    let member = stack.consumer().start().await;
    reader.batch_execute("commit").await.expect("an end");
    until(&client, "the day to be dropped", "select to_regclass('ledger_segments_20200101') is null").await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_lock_on_the_floor_stalls_nothing_and_the_floor_rises_when_it_ends() {
    let stack = Stack::with_partitions(1).await;
    let client = stack.client().await;
    let reader = stack.client().await;
    reader.batch_execute("begin; select floor from ledger_floor for share").await.expect("a lock");
    let counted = counting_beside_a_failing_task(&stack, "floor").await;
    stack.counts("acme").await.are(orders_created(counted));

    let member = stack.consumer().start().await;
    reader.batch_execute("commit").await.expect("an end");
    until(&client, "the floor to rise", "select floor > '-infinity' from ledger_floor").await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_task_of_upkeep_that_fails_stops_no_other_and_is_named() {
    let stack = Stack::with_partitions(1).await;
    let client = stack.client().await;
    let rows = "
        insert into workflow_failures (organization_id, execution_id, workflow_id, workflow_name, outcome, error_message,
                                       execution_time_ms, finished_at)
        values ('acme', 'e', 'w', 'W', 'FAILED', '', 1, now() - interval '1 year');
        insert into dead_letters (topic, kafka_partition, kafka_offset, headers, reason, detail, rejected_at)
        values ('a topic', 0, 0, '[]', 'missing_id', '', now() - interval '1 year');
        insert into organization_refusals (organization_id, quarter_bucket, topic, reason, guessed, records, first_at, last_at,
                                           example_partition, example_offset)
        select 'acme', t, 'a topic', 'missing_id', false, 1, t, t, 0, 0 from (select now() - interval '1 year') as past (t);
        create function refuse() returns trigger language plpgsql as $$ begin raise 'kept on purpose'; end $$;
        create trigger refuse before delete on workflow_failures for each row execute function refuse()";
    client.batch_execute(rows).await.expect("rows");
    let member = stack.consumer().start().await;
    until(&client, "the dead letter to go", "select count(*) = 0 from dead_letters").await;
    let told = "select count(*) = 0 from organization_refusals";
    until(&client, "what was told of it to go", told).await;
    let named = wait::until("the failing task to be named", LIMIT, async || {
        let failing = |task| member.metric("consumer_upkeep_failing_seconds", task);
        let (failures, letters) =
            (failing("task=\"failures\"").await, failing("task=\"dead_letters\"").await);
        Ok(Seen::when(failures > 0.0 && letters == 0.0, format!("failures {failures}, letters {letters}")))
    });
    named.await.unwrap();
    assert!(member.log_tail().contains("kept on purpose"), "{}", member.log_tail());
    assert_eq!(member.stop().await, Some(0));
}
