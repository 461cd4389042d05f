//! The ground the stories stand on: services come, go and come back, and nothing is shared by accident.

use chrono::Utc;
use load::{Message, Produced};
use stack::Service;
use tests::Stack;

fn orders(count: usize) -> impl Iterator<Item = Produced> {
    (0..count).map(|n| Produced::plain(Message::order("acme", &format!("o{n}"), Utc::now())))
}

#[tokio::test]
async fn stories_share_services_but_no_topic_and_no_database() {
    let (one, other) = (Stack::start().await, Stack::start().await);
    one.produce(orders(10)).await;
    assert_eq!(one.ends().values().sum::<i64>(), 10);
    assert_eq!(other.ends().values().sum::<i64>(), 0);
    assert_ne!(one.database(), other.database());
    assert_eq!(one.kafka().brokers(), other.kafka().brokers());
}

#[tokio::test]
async fn postgres_comes_back_with_what_was_committed() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    stack.client().await.batch_execute("create table t as select 42 as answer").await.expect("a table");
    server.stop();
    assert!(stack.database().connect().await.is_err());
    stack.postgres().start_again().await.expect("it starts again");
    let answer: i32 =
        stack.client().await.query_one("select answer from t", &[]).await.expect("a row").get(0);
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn kafka_comes_back_with_its_records() {
    let stack = Stack::with_own(Service::Kafka).await;
    let Some(server) = stack.kafka().server() else { return };
    stack.produce(orders(10)).await;
    server.kill();
    stack.kafka().start_again().await.expect("it starts again");
    stack.produce(orders(5)).await;
    assert_eq!(stack.ends().values().sum::<i64>(), 15);
}

#[tokio::test]
async fn redis_comes_back_empty() {
    let stack = Stack::with_own(Service::Redis).await;
    let Some(redis) = stack.redis() else { return };
    let Some(server) = redis.server() else { return };
    server.kill();
    redis.start_again().await.expect("it starts again");
}
