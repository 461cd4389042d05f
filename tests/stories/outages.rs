//! Services that go away and come back: members wait, say so, and go on by themselves.

use crate::rebalances::member_ids;
use crate::telling::{orders, orders_created, orders_in, until_waiting_for_locks};
use stack::Service;
use stack::run::server::Server;
use stack::wait::{self, Seen};
use std::time::{Duration, Instant};
use tests::{Member, Stack};

/// How long a member may take to notice that it was asked to end.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How long a member may take to have tried PostgreSQL in vain so often that it has been away for long.
const AWAY_LIMIT: Duration = Duration::from_secs(90);

#[tokio::test]
async fn postgres_away_is_waited_for_and_nothing_is_lost() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    let mut consumer = stack.consumer().start().await;
    stack.produce(orders("acme", 2_000)).await;
    stack.until_some_are_counted().await;
    server.stop();
    stack.produce(orders("beta", 2_000)).await;
    consumer.until_not_ready().await;
    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2_000));
    stack.counts("beta").await.are(orders_created(2_000));
    consumer.until_ready().await;
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn postgres_away_for_longer_than_any_session_makes_nobody_leave_the_group() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    let small = stack.consumer().set("BATCH_RECORDS_MAX", "100");
    let consumer = small.set("KAFKA_CONFIG_MAX_POLL_INTERVAL_MS", "4000").start().await;
    stack.produce(orders("acme", 2_000)).await;
    stack.until_idle().await;
    let before = member_ids(&stack);
    server.stop();
    // More batches than the member has room for: it must go on polling though it takes no more.
    for batch in orders("beta", 2_000).chunks(200) {
        stack.produce(batch.to_vec()).await;
    }
    // With the pauses between them, so many attempts take longer than three poll intervals, and six sessions.
    let waiting = wait::until("a member to have tried for long", AWAY_LIMIT, async || {
        let failures = consumer.metric("consumer_postgresql_failures_total", "").await;
        Ok(Seen::when(failures >= 12.0, format!("{failures} attempts have failed")))
    });
    waiting.await.expect("a member that goes on trying");
    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    let since = Instant::now();
    stack.until_idle().await;
    let seconds = since.elapsed().as_secs_f32();
    machine::say::line(format_args!("counted {seconds:.1} s after PostgreSQL was back"));
    stack.counts("beta").await.are(orders_created(2_000));
    assert_eq!(member_ids(&stack), before);
    assert_eq!(consumer.stop().await, Some(0));
}

/// How often each partition was claimed.
pub async fn epochs(stack: &Stack) -> Vec<i64> {
    let query = "select epoch from consumer_progress order by topic, kafka_partition";
    stack.client().await.query(query, &[]).await.expect("rows").iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_consumer_that_starts_before_postgres_waits_for_it() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    stack.produce(orders("acme", 100)).await;
    server.stop();
    let mut consumer = stack.consumer().start().await;
    consumer.until_not_ready().await;
    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn kafka_away_is_waited_for_and_nothing_is_lost() {
    let stack = Stack::with_own(Service::Kafka).await;
    let Some(server) = stack.kafka().server() else { return };
    let consumer = stack.consumer().start().await;
    stack.produce(orders("acme", 2_000)).await;
    stack.until_some_are_counted().await;
    server.kill();
    stack.kafka().start_again().await.expect("Kafka comes back");
    stack.produce(orders("beta", 2_000)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2_000));
    stack.counts("beta").await.are(orders_created(2_000));
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn a_broker_of_three_is_lost_and_counting_goes_on_without_it() {
    let Some(stack) = Stack::with_brokers().await else { return };
    let consumer = stack.consumer().start().await;
    stack.produce(orders("acme", 2_000)).await;
    stack.until_idle().await;
    stack.brokers().broker(0).kill();
    // Two brokers acknowledge these records, and lead what the third has led.
    stack.produce(orders("beta", 2_000)).await;
    stack.until_idle().await;
    stack.brokers().start_again(0).await.expect("the broker comes back");
    stack.produce(orders("gamma", 2_000)).await;
    stack.until_idle().await;
    for organization in ["acme", "beta", "gamma"] {
        stack.counts(organization).await.are(orders_created(2_000));
    }
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn a_member_ends_when_it_is_asked_to_though_kafka_is_gone() {
    ends_without_kafka(Server::kill).await;
}

#[tokio::test]
async fn a_member_ends_when_it_is_asked_to_though_kafka_keeps_its_connections_and_is_silent() {
    ends_without_kafka(Server::pause).await;
}

async fn ends_without_kafka(lose: fn(&Server)) {
    let stack = Stack::with_own(Service::Kafka).await;
    let Some(server) = stack.kafka().server() else { return };
    let consumer = stack.consumer().start().await;
    stack.produce(orders("acme", 2_000)).await;
    stack.until_some_are_counted().await;
    lose(server);
    let since = Instant::now();
    ends_by_itself(consumer).await;
    machine::say::line(format_args!("ended {:.1} s after it was asked to", since.elapsed().as_secs_f32()));
    server.resume();
}

#[tokio::test]
async fn a_member_ends_by_itself_though_kafka_takes_no_report_of_what_it_has_counted_last() {
    let stack = Stack::with_own(Service::Kafka).await;
    let Some(server) = stack.kafka().server() else { return };
    let mut consumer = stack.consumer().start().await;
    stack.produce(orders_in(0, "acme", 0..10)).await;
    stack.until_idle().await;
    // The batch is committed after the member was asked to end, so that its offsets are in the last report.
    let client = stack.client().await;
    let lock = "begin; select 1 from org_hourly_metrics for update";
    client.batch_execute(lock).await.expect("a lock");
    stack.produce(orders_in(0, "acme", 10..20)).await;
    until_waiting_for_locks(&stack, 1).await;
    server.pause();
    consumer.terminate();
    let asked = wait::until("a member to be about to end", END_LIMIT, async || {
        Ok(Seen::when(consumer.log_tail().contains("stopping: finishing the batch"), "it doesn't say so"))
    });
    asked.await.expect("a member that was asked to end");
    client.batch_execute("rollback").await.expect("no lock any more");
    ends_by_itself(consumer).await;
    server.resume();
    stack.counts("acme").await.are(orders_created(20));
}

#[tokio::test]
async fn a_member_ends_by_itself_though_postgres_hangs_and_others_count_what_it_leaves() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    let consumer = stack.consumer().start().await;
    stack.produce(orders("acme", 2_000)).await;
    stack.until_idle().await;
    server.pause();
    stack.produce(orders("beta", 2_000)).await;
    ends_by_itself(consumer).await;
    server.resume();
    let next = stack.consumer().start().await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2_000));
    stack.counts("beta").await.are(orders_created(2_000));
    assert_eq!(next.stop().await, Some(0));
}

/// The member ends when it is asked to, and well: not because its grace period is over.
async fn ends_by_itself(mut member: Member) {
    member.terminate();
    assert_eq!(member.ended().await, Some(0));
    let log = member.log_tail();
    assert!(!log.contains("the grace period is over"), "{log}");
}

#[tokio::test]
async fn redis_away_costs_nothing_but_freshness() {
    let stack = Stack::with_own(Service::Redis).await;
    let Some(redis) = stack.redis() else { return };
    let Some(server) = redis.server() else { return };
    let consumer = stack.consumer().start().await;
    server.stop();
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    redis.start_again().await.expect("Redis comes back");
    stack.produce(orders("beta", 100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    stack.counts("beta").await.are(orders_created(100));
    assert_eq!(consumer.stop().await, Some(0));
}
