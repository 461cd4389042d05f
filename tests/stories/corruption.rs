//! A log that lies: what a disk has changed is not counted for what was written.

use crate::operators::json;
use crate::resets::until_stopped;
use crate::telling::{count, orders_created, orders_in, until_counted};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use stack::wait::{self, Seen};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tests::Stack;

/// How long Kafka may take to write what it has acknowledged to its files.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// The file of a partition's oldest records.
fn segment(data: &Path, topic: &str, partition: i32) -> PathBuf {
    data.join(format!("{topic}-{partition}")).join("00000000000000000000.log")
}

/// Flips a bit of the only place where `text` is in the file.
async fn flip(file: &Path, text: &str) {
    let found = wait::until("the record to be in the file", WRITE_LIMIT, async || {
        let bytes = std::fs::read(file)?;
        let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
        Ok(at.map_or_else(
            || Seen::NotYet(format!("{} bytes without it", bytes.len())),
            |at| Seen::Ready((at, bytes[at])),
        ))
    });
    let (at, byte) = found.await.expect("a record in a file");
    let file = OpenOptions::new().write(true).open(file).expect("a file that can be written");
    file.write_all_at(&[byte ^ 1], at.try_into().expect("a position")).expect("a bit is flipped");
}

#[tokio::test]
async fn a_flipped_bit_stops_its_partition_with_the_reason_and_no_other() {
    let stack = Stack::with_own(stack::Service::Kafka).await;
    let Some(data) = stack.kafka().data() else { return };
    let events = &stack.topics().events;
    stack.produce(orders_in(0, "acme", 0..50)).await;
    count(&stack).await;
    // A batch of its own, between two others.
    stack.produce(orders_in(0, "acme", 50..51)).await;
    stack.produce(orders_in(0, "acme", 51..100)).await;
    stack.produce(orders_in(1, "beta", 0..100)).await;
    flip(&segment(data, events, 0), "o50").await;

    let member = stack.consumer().start().await;
    until_counted(&stack, "beta", "orders_created", 100).await;
    until_stopped(&stack, &member, &[0]).await;
    let ready = member.admin("/readyz").await;
    assert!(ready.body.contains("log is corrupt"), "{}", ready.body);
    stack.counts("acme").await.are(orders_created(50));
    assert_eq!(member.stop().await, Some(0));
}

/// Copies the files of a folder without folders.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file").path();
        std::fs::copy(&file, to.join(file.file_name().expect("a name"))).expect("a copied file");
    }
}

#[tokio::test]
async fn a_log_put_back_and_written_again_stops_its_partition_with_the_reason() {
    let stack = Stack::with_own(stack::Service::Kafka).await;
    let (Some(data), Some(server)) = (stack.kafka().data(), stack.kafka().server()) else { return };
    let events = &stack.topics().events;
    let (log, backup) = (data.join(format!("{events}-0")), data.with_extension("backup"));
    stack.produce(orders_in(0, "acme", 0..100)).await;
    count(&stack).await;
    server.stop();
    copy(&log, &backup);
    stack.kafka().start_again().await.expect("Kafka");
    stack.produce(orders_in(0, "acme", 100..200)).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(200));

    server.stop();
    std::fs::remove_dir_all(&log).expect("a log that is lost");
    copy(&backup, &log);
    stack.kafka().start_again().await.expect("Kafka");
    let shown = json(&stack, &["progress", "show", "--topic", events, "--json"]).await;
    let of_partition = shown.as_array().and_then(|rows| rows.iter().find(|row| row["partition"] == 0));
    let lag = of_partition.map(|row| (&row["endOffset"], &row["lag"]));
    assert_eq!(lag, Some((&100.into(), &serde_json::Value::Null)), "a lag is not negative: {shown}");

    // The log grows beyond what was counted: by its offsets alone nobody could tell.
    stack.produce(orders_in(0, "acme", 200..400)).await;
    stack.produce(orders_in(1, "beta", 0..100)).await;
    let member = stack.consumer().start().await;
    until_counted(&stack, "beta", "orders_created", 100).await;
    until_stopped(&stack, &member, &[0]).await;
    let ready = member.admin("/readyz").await;
    assert!(ready.body.contains("truncation"), "{}", ready.body);
    stack.counts("acme").await.are(orders_created(200));
    assert_eq!(member.stop().await, Some(0));
}

/// Publishes one batch to partition 0 that unpacks to 95 MB, and that zstd packs into a few kilobytes.
fn publish_large_batch(stack: &Stack) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().brokers())
        .set("compression.codec", "zstd")
        .set("linger.ms", "60000")
        .set("batch.size", "200000000")
        .set("message.max.bytes", "200000000")
        .create()
        .expect("a producer");
    let payload = vec![0; 1_000_000];
    for _ in 0..95 {
        let record = BaseRecord::<(), _>::to(&stack.topics().events).partition(0).payload(&payload);
        producer.send(record).map_err(|(error, _)| error).expect("room");
    }
    producer.flush(WRITE_LIMIT).expect("Kafka takes it");
}

#[tokio::test]
async fn a_batch_that_unpacks_to_95_megabytes_is_read() {
    let stack = Stack::start().await;
    publish_large_batch(&stack);
    stack.produce(orders_in(0, "acme", 0..10)).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(10));
    assert_eq!(stack.dead_letters().await.len(), 95, "zeros are no records");
}

#[tokio::test]
async fn a_batch_that_unpacks_to_more_than_is_allowed_stops_its_partition_with_the_reason() {
    let stack = Stack::start().await;
    publish_large_batch(&stack);
    stack.produce(orders_in(1, "beta", 0..10)).await;
    let member = stack.consumer().set("KAFKA_CONFIG_RECEIVE_MESSAGE_MAX_BYTES", "60000000").start().await;
    until_counted(&stack, "beta", "orders_created", 10).await;
    until_stopped(&stack, &member, &[0]).await;
    let ready = member.admin("/readyz").await;
    assert!(ready.body.contains("KAFKA_CONFIG_RECEIVE_MESSAGE_MAX_BYTES"), "{}", ready.body);
    assert_eq!(member.stop().await, Some(0));
}
