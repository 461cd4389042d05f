//! Words the stories are told with.

use bench::{Message, Produced};
use chrono::{DateTime, Duration, Utc};
use domain::{BucketSize, Counters};
use tests::Stack;

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
