//! Words the stories are told with.

use chrono::{DateTime, Duration, Utc};
use domain::{BucketSize, Counters};
use load::{Message, Produced};
use rdkafka::admin::AdminOptions;
use stack::wait::{self, Seen};
use std::ops::Range;
use tests::Stack;
use tokio_postgres::Client;

/// How long Kafka may take to forget a topic.
const FORGET_LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// How long it may take until something is counted, a dead member's session and PostgreSQL's limits included.
const COUNT_LIMIT: std::time::Duration = std::time::Duration::from_secs(90);

/// A stack whose consumer has counted these records, and has left.
pub async fn counted(records: impl IntoIterator<Item = Produced>) -> Stack {
    let stack = Stack::start().await;
    stack.produce(records).await;
    count(&stack).await;
    stack
}

/// Counts what there is to count.
pub async fn count(stack: &Stack) {
    let consumer = stack.consumer().start().await;
    stack.until_idle().await;
    assert_eq!(consumer.stop().await, Some(0), "a consumer asked to end ends well");
}

/// Records in plain protobuf.
pub fn plain(messages: impl IntoIterator<Item = Message>) -> Vec<Produced> {
    messages.into_iter().map(Produced::plain).collect()
}

/// So many orders, each of its own id.
pub fn orders(organization: &str, count: usize) -> Vec<Produced> {
    plain((0..count).map(|n| Message::order(organization, &format!("o{n}"), yesterday())))
}

/// Orders of these numbers, all in one partition.
pub fn orders_in(partition: i32, organization: &str, numbers: Range<usize>) -> Vec<Produced> {
    let order = |n| Produced::plain(Message::order(organization, &format!("o{n}"), yesterday()));
    numbers.map(|n| Produced { partition: Some(partition), ..order(n) }).collect()
}

/// What a counter of the organization's days adds up to by now, beside members that count.
pub async fn so_far(stack: &Stack, organization: &str, counter: &str) -> i64 {
    sum(&stack.client().await, organization, counter).await
}

async fn sum(client: &Client, organization: &str, counter: &str) -> i64 {
    let query = format!(
        "select coalesce(sum({counter}), 0)::bigint from org_daily_metrics where organization_id = $1"
    );
    client.query_one(&query, &[&organization]).await.expect("a sum").get(0)
}

/// Waits until a counter of the organization is there, whatever else there is to count.
pub async fn until_counted(stack: &Stack, organization: &str, counter: &str, value: i64) {
    let client = stack.client().await;
    let counted = wait::until("records to be counted", COUNT_LIMIT, async || {
        let sum = sum(&client, organization, counter).await;
        Ok(Seen::when(sum >= value, format!("{counter} of {organization} is {sum}, not {value}")))
    });
    counted.await.expect("counted records");
}

/// Deletes a topic and makes it again, empty.
pub async fn make_anew(stack: &Stack, topic: &str) {
    let admin = stack.kafka().admin().expect("an administration");
    let deleted = admin.delete_topics(&[topic], &AdminOptions::new()).await.expect("an answer");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    let made = wait::until("a topic to be made anew", FORGET_LIMIT, async || {
        let made = stack.kafka().create_topics(&[topic], stack.partitions()).await;
        Ok(made.map_or_else(|error| Seen::NotYet(error.to_string()), Seen::Ready))
    });
    made.await.expect("a topic");
}

/// Waits until so many sessions of the story's database wait for a lock.
pub async fn until_waiting_for_locks(stack: &Stack, sessions: i64) {
    let client = stack.client().await;
    let query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let waiting = wait::until("sessions to wait for locks", COUNT_LIMIT, async || {
        let waiting: i64 = client.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(waiting == sessions, format!("{waiting} do")))
    });
    waiting.await.expect("sessions that wait");
}

/// Nothing but so many orders.
pub fn orders_created(orders_created: i64) -> Counters {
    Counters { orders_created, ..Counters::default() }
}

/// Noon (UTC) of the day before: in the past, and in no open bucket.
pub fn yesterday() -> DateTime<Utc> {
    BucketSize::Day.floor(Utc::now()) - Duration::hours(12)
}

/// A time as a query string carries it.
pub fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
