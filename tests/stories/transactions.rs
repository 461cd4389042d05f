//! Producers that use Kafka's transactions: what they take back is not counted, and their markers hold nobody up.

use crate::telling::{count, orders_created, yesterday};
use load::Message;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use std::time::Duration;
use tests::Stack;

/// How long Kafka may take for each step of a transaction.
const STEP_LIMIT: Duration = Duration::from_secs(30);

/// How a transaction ends.
enum End {
    Commit,
    Abort,
}

fn transaction(producer: &BaseProducer, stack: &Stack, ids: &[&str], end: End) {
    producer.begin_transaction().expect("a transaction begins");
    for id in ids {
        let payload = Message::order("acme", id, yesterday()).encode();
        let record = BaseRecord::to(&stack.topics().events).key("acme").payload(&payload);
        producer.send(record).map_err(|(error, _)| error).expect("a record is taken");
    }
    // So that an aborted transaction's records are in the topic, too.
    producer.flush(STEP_LIMIT).expect("Kafka has the records");
    let ended = match end {
        End::Commit => producer.commit_transaction(STEP_LIMIT),
        End::Abort => producer.abort_transaction(STEP_LIMIT),
    };
    ended.expect("a transaction ends");
}

#[tokio::test]
async fn what_was_taken_back_is_not_counted_and_markers_are_passed() {
    let stack = Stack::start().await;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().brokers())
        .set("transactional.id", stack.name())
        .set("partitioner", "murmur2_random")
        .create()
        .expect("a producer");
    producer.init_transactions(STEP_LIMIT).expect("transactions are to be had");
    transaction(&producer, &stack, &["o1", "o2"], End::Commit);
    transaction(&producer, &stack, &["o3"], End::Abort);
    transaction(&producer, &stack, &["o3", "o4"], End::Commit);
    transaction(&producer, &stack, &["o5"], End::Abort);
    // Idle means that the markers at the end are passed, too.
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(4));
}
