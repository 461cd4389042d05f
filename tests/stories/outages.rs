//! Services that go away and come back: members wait, say so, and go on by themselves.

use crate::telling::{orders, orders_created};
use tests::Stack;
use xtask::services::Service;

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
