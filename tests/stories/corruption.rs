//! A log that lies: what a disk has changed is not counted for what was written.

use crate::resets::until_stopped;
use crate::telling::{count, orders_created, orders_in, until_counted};
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
