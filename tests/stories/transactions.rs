//! Producers that use Kafka's transactions: what they take back is not counted, their markers hold nobody up, and what
//! waits behind an open one is said to wait.

use crate::completeness::{uncached, until_promised};
use crate::operators::{answer, json, operate};
use crate::telling::{count, orders_created, orders_in, yesterday};
use chrono::{DateTime, Utc};
use load::murmur2::partition_of;
use load::{Message, Produced};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Stack, Token};

/// How long Kafka may take for each step of a transaction.
const STEP_LIMIT: Duration = Duration::from_secs(30);

/// How a transaction ends.
enum End {
    Commit,
    Abort,
}

fn producer(stack: &Stack) -> BaseProducer {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().brokers())
        .set("transactional.id", stack.name())
        .set("partitioner", "murmur2_random")
        .set("transaction.timeout.ms", "10000")
        .create()
        .expect("a producer");
    producer.init_transactions(STEP_LIMIT).expect("transactions are to be had");
    producer
}

/// Begins a transaction with an order of each of these ids, and waits until Kafka has them.
fn begin(producer: &BaseProducer, stack: &Stack, ids: &[&str]) {
    producer.begin_transaction().expect("a transaction begins");
    for id in ids {
        let payload = Message::order("acme", id, yesterday()).encode();
        let record = BaseRecord::to(&stack.topics().events).key("acme").payload(&payload);
        producer.send(record).map_err(|(error, _)| error).expect("a record is taken");
    }
    producer.flush(STEP_LIMIT).expect("Kafka has the records");
}

fn transaction(producer: &BaseProducer, stack: &Stack, ids: &[&str], end: End) {
    begin(producer, stack, ids);
    let ended = match end {
        End::Commit => producer.commit_transaction(STEP_LIMIT),
        End::Abort => producer.abort_transaction(STEP_LIMIT),
    };
    ended.expect("a transaction ends");
}

#[tokio::test]
async fn what_was_taken_back_is_not_counted_and_markers_are_passed() {
    let stack = Stack::start().await;
    let producer = producer(&stack);
    transaction(&producer, &stack, &["o1", "o2"], End::Commit);
    transaction(&producer, &stack, &["o3"], End::Abort);
    transaction(&producer, &stack, &["o3", "o4"], End::Commit);
    transaction(&producer, &stack, &["o5"], End::Abort);
    // Idle means that the markers at the end are passed, too.
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(4));
    let recounted = answer(&stack, &["recount"]).await;
    assert!(recounted.contains("4 records read") && recounted.contains("equal to the log"), "{recounted}");
}

#[tokio::test]
async fn what_waits_behind_an_open_transaction_is_incomplete_and_said_to_wait_and_since_when() {
    let stack = Stack::with_partitions(1).await;
    let (api, producer) = (uncached(&stack).await, producer(&stack));
    let member = stack.consumer().start().await;
    stack.produce(orders_in(0, "acme", 0..1)).await;
    until_promised(&api, Utc::now(), 1).await;

    let opened = Utc::now();
    begin(&producer, &stack, &["of the transaction"]);
    stack.produce(orders_in(0, "acme", 1..101)).await;
    let held = Utc::now();
    let events = stack.topics().events.clone();
    let labels = format!("topic=\"{events}\",partition=\"0\"");
    let said = wait::until("the member to say what waits", STEP_LIMIT, async || {
        let lag = member.metric("consumer_lag_records", &labels).await;
        let behind = member.metric("consumer_open_transaction_offsets", &labels).await;
        let open_for = member.metric("consumer_open_transaction_seconds", &labels).await;
        // Two seconds are enough to see that time goes on.
        Ok(Seen::when(
            (lag, behind) == (101.0, 101.0) && open_for > 2.0,
            format!("{lag} {behind} {open_for}"),
        ))
    });
    said.await.expect("101 records are acknowledged and can't be read");

    let rows = json(&stack, &["progress", "show", "--json", "--topic", &events]).await;
    let row = &rows[0];
    let numbers = ["nextOffset", "endOffset", "lag"].map(|field| row[field].as_i64().expect("a number"));
    assert_eq!(numbers, [1, 102, 101], "{row:#}");
    let since = row["openTransaction"]["since"].as_str().expect("a time").parse::<DateTime<Utc>>();
    let since = since.expect("RFC 3339");
    assert!(
        (opened - chrono::Duration::seconds(1)..held).contains(&since),
        "{since} is not in {opened}..{held}"
    );
    let table = answer(&stack, &["progress", "show", "--topic", &events]).await;
    assert!(table.contains("101 offsets from 1, since"), "{table}");
    let summary = api.get("/metrics/summary", &Token::of("acme").sign()).await.json();
    let through: DateTime<Utc> =
        summary["completeThrough"].as_str().expect("a time").parse().expect("RFC 3339");
    assert!(through < held, "complete through {through}, though records of before {held} are not counted");

    producer.commit_transaction(STEP_LIMIT).expect("the transaction ends");
    until_promised(&api, held, 102).await;
    stack.counts("acme").await.are(orders_created(102));
    let over = wait::until("the member to say that nothing waits", STEP_LIMIT, async || {
        let behind = member.metric("consumer_open_transaction_offsets", &labels).await;
        Ok(Seen::when(behind == 0.0, format!("{behind}")))
    });
    over.await.expect("the transaction is over");
}

#[tokio::test]
async fn a_layout_is_not_changed_while_a_transaction_is_open() {
    let stack = Stack::with_partitions(1).await;
    let producer = producer(&stack);
    stack.produce(orders_in(0, "acme", 0..1)).await;
    count(&stack).await;
    begin(&producer, &stack, &["of the transaction"]);
    let sent_behind: Vec<Produced> = orders_in(0, "acme", 1..101);
    stack.produce(sent_behind).await;
    let member = stack.consumer().start().await;
    let events = stack.topics().events.clone();
    let change =
        ["layout", "change", "--topic", &*events, "--quiet-for", "100ms", "--wait", "2s", "--dry-run"];
    let refused = operate(&stack, &change).await;
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.errors.contains("a producer's transaction is open in"), "{refused:#?}");
    producer.commit_transaction(STEP_LIMIT).expect("the transaction ends");
    stack.until_idle().await;
    assert!(answer(&stack, &change).await.contains("everything is counted"));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_layout_is_changed_once_a_dead_producers_transaction_is_over_and_what_it_sends_again_counts_once() {
    let stack = Stack::with_partitions(1).await;
    let dies = producer(&stack);
    stack.produce(orders_in(0, "acme", 0..1)).await;
    let ids: Vec<String> = (101..201).map(|n| format!("o{n}")).collect();
    begin(&dies, &stack, &ids.iter().map(String::as_str).collect::<Vec<_>>());
    stack.produce(orders_in(0, "acme", 1..101)).await;
    // It ends without a word to Kafka, which ends its transaction when that has been open for too long.
    drop(dies);
    let member = stack.consumer().set("KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS", "500").start().await;
    let events = &*stack.topics().events;
    let change = [
        "layout",
        "change",
        "--topic",
        events,
        "--partitions",
        "4",
        "--quiet-for",
        "100ms",
        "--learn-for",
        "100ms",
    ];
    let said = answer(&stack, &change).await;
    assert!(said.contains("producers may go on"), "{said}");
    stack.counts("acme").await.are(orders_created(101));
    // All is sent again, to where the key belongs now.
    let key = partition_of(b"acme", 4);
    stack.produce(orders_in(key, "acme", 0..201)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(201));
    assert_eq!(member.stop().await, Some(0));
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
}
