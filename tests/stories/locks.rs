//! Locks that others hold: members that hang in mid-transaction, and deadlocks.

use crate::commits::until_held;
use crate::connections::Stopped;
use crate::interruptions::until_it_holds_some;
use crate::telling::{orders_created, orders_in, until_waiting_for_locks, yesterday};
use load::{Message, Produced};
use proto::v1::workflow_terminal::Outcome;
use rdkafka::admin::{AdminOptions, NewPartitions};
use stack::wait::{self, Seen};
use stack::{Cut, Service};
use std::time::Duration;
use tests::Stack;

/// How long it may take until a member notes a partition that is new: it looks every ten seconds.
const NOTE_LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_deadlock_costs_a_batch_another_try_and_nothing_else() {
    let stack = Stack::with_partitions(1).await;
    // Only a superuser may say who is told of a deadlock.
    let Some(_) = stack.postgres().server() else { return };
    let client = stack.client().await;
    let late = format!("alter database \"{}\" set deadlock_timeout = '2s'", stack.name());
    client.batch_execute(&late).await.expect("a superuser");
    let member = stack.consumer().start().await;
    stack.produce(orders_in(0, "acme", 0..10)).await;
    stack.until_idle().await;

    // A batch locks hours, then days. This session goes the other way, and isn't the one to be told.
    let days = "set deadlock_timeout = '1h'; begin; select 1 from org_daily_metrics for update";
    client.batch_execute(days).await.expect("a lock");
    stack.produce(orders_in(0, "acme", 10..20)).await;
    until_waiting_for_locks(&stack, 1).await;
    let hours = "select 1 from org_hourly_metrics for update; commit";
    client.batch_execute(hours).await.expect("the member is told, not this session");

    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(20));
    assert!(member.log_tail().contains("deadlock"), "{}", member.log_tail());
    assert!(member.metric("consumer_postgresql_failures_total", "").await >= 1.0);
    assert_eq!(member.metric("consumer_partitions_fenced_total", "").await, 0.0);
    assert_eq!(member.stop().await, Some(0));
}

/// A member whose session is in mid-transaction has its locks for as long as the session is stopped; PostgreSQL would end it after
/// a while otherwise.
#[tokio::test]
async fn a_member_that_hangs_with_its_locks_holds_up_no_work_of_another() {
    let stack = Stack::with_own(Service::Postgres).await;
    if stack.postgres().server().is_none() {
        return;
    }
    let proxy = stack.proxy();
    let (hanging, other) = (stack.consumer().through(&proxy).start().await, stack.consumer().start().await);
    until_it_holds_some(&hanging).await;
    until_it_holds_some(&other).await;
    proxy.hold_next_commit(Cut::Before);
    // Whichever partitions it holds, some of these are among them. No organization is in two: members that count for
    // the same one would wait for its rows.
    let run = |n: i32| Message::workflow(&format!("runs{n}"), "r", yesterday(), Outcome::Success, 7);
    let run = |n| Produced { partition: Some(n), ..Produced::plain(run(n)) };
    let organization = |n: i32| format!("org{n}");
    let of_each = |n| orders_in(n, &organization(n), 0..10).into_iter().chain([run(n)]);
    stack.produce((0..stack.partitions()).flat_map(of_each)).await;
    until_held(&proxy).await;
    let stopped = Stopped::sessions(&stack, &held_session(&stack).await).await;

    // The other looks through all partitions for new ones, those with locked rows among them.
    let events = &*stack.topics().events;
    let admin = stack.kafka().admin().expect("an administration");
    let more = stack.partitions() + 1;
    let more_partitions = NewPartitions::new(events, usize::try_from(more).expect("a few"));
    let added = admin.create_partitions([&more_partitions], &AdminOptions::new()).await;
    assert!(added.expect("an answer").iter().all(Result::is_ok));
    let client = stack.client().await;
    let look = "select count(*) from consumer_progress where topic = $1";
    let noted = wait::until("a new partition to be noted", NOTE_LIMIT, async || {
        let partitions: i64 = client.query_one(look, &[&events]).await?.get(0);
        Ok(Seen::when(partitions == i64::from(more), format!("there are {partitions}")))
    });
    noted.await.expect("a partition that is noted while locks are held");
    drop(stopped);
    proxy.let_go();
    stack.until_idle().await;
    for n in 0..stack.partitions() {
        stack.counts(&organization(n)).await.are(orders_created(10));
    }
    assert_eq!(hanging.stop().await, Some(0));
    assert_eq!(other.stop().await, Some(0));
}

/// What is true of the session whose commit is held: it alone is in the midst of a batch, once others are done with theirs.
async fn held_session(stack: &Stack) -> String {
    let client = stack.client().await;
    let open = "select pid from pg_stat_activity
                where datname = current_database() and state = 'idle in transaction'";
    let waiting = wait::until("one session in a transaction", NOTE_LIMIT, async || {
        let rows = client.query(open, &[]).await?;
        Ok(match &*rows {
            [row] => Seen::Ready(row.get::<_, i32>(0)),
            rows => Seen::NotYet(format!("there are {}", rows.len())),
        })
    });
    format!("pid = {}", waiting.await.expect("a session whose commit is held"))
}
