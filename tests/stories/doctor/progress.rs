//! Partitions that are stopped, or stand still.

use super::{PRODUCE_LIMIT, examine, stack};
use crate::resets::forget_before;
use crate::telling::{count, orders, orders_created, orders_in, until_counted};
use load::Producer;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a member may take to have a partition stand still.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_partition_whose_next_record_was_deleted_is_found() {
    let Some(stack) = stack().await else { return };
    stack.produce(orders_in(0, "acme", 0..100)).await;
    count(&stack).await;
    stack.produce(orders_in(0, "acme", 100..150)).await;
    forget_before(&stack, 0, 120).await;
    let report = examine(stack.consumer().set("OTHER_PARTITIONER_TOPICS", &stack.topics().events), &[]).await;
    let events = &*stack.topics().events;
    report.finds(
        "fault",
        "progress-deleted",
        &[events, "partition 0: 20 records from 100", "consumer progress reset"],
    );
}

#[tokio::test]
async fn a_partition_that_goes_on_behind_its_log_is_found() {
    let Some(stack) = stack().await else { return };
    stack.produce(orders_in(0, "acme", 0..10)).await;
    count(&stack).await;
    let behind = "update consumer_progress set next_offset = 1000 where topic = $1 and kafka_partition = 0";
    let events = &stack.topics().events;
    stack.client().await.execute(behind, &[events]).await.expect("another offset");
    let report = examine(stack.consumer().set("OTHER_PARTITIONER_TOPICS", events), &[]).await;
    let words = [&**events, "partition 0: goes on at 1000, and Kafka ends at 10", "consumer progress reset"];
    report.finds("fault", "progress-beyond", &words);
}

#[tokio::test]
async fn a_partition_that_stands_still_is_found() {
    let Some(stack) = stack().await else { return };
    let events = &stack.topics().events;
    let launch = || stack.consumer().set("STALLED_AFTER", "1s").set("OTHER_PARTITIONER_TOPICS", events);
    let mut member = launch().start().await;
    stack.produce(orders_in(0, "acme", 0..10)).await;
    stack.until_idle().await;
    member.until_ready().await;
    let client = stack.client().await;
    let lock = "begin; lock table org_hourly_metrics in access exclusive mode";
    client.batch_execute(lock).await.expect("a lock");
    stack.produce(orders_in(0, "acme", 10..25)).await;
    let still = wait::until("a partition to stand still", LIMIT, async || {
        let report = examine(launch(), &[]).await;
        Ok(if report.found.iter().any(|found| found.check == "partition-still") {
            Seen::Ready(report)
        } else {
            Seen::NotYet(format!("{report:#?}"))
        })
    });
    let report = still.await.expect("a finding");
    report.finds("fault", "partition-still", &[events, "partition 0: has 15 records to count", "/readyz"]);
    client.batch_execute("rollback").await.expect("no lock any more");
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(25));
    assert_eq!(examine(launch(), &[]).await.beside(), []);
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_is_sound_while_records_flow() {
    let Some(stack) = stack().await else { return };
    let member = stack.consumer().start().await;
    let is_enough = Arc::new(AtomicBool::new(false));
    let flow = {
        let mut producer =
            Producer::new(stack.kafka().brokers(), stack.topics().clone()).expect("a producer");
        let partitions = stack.partitions();
        let some: Vec<_> = ["acme", "bolt", "cone", "dune"]
            .into_iter()
            .flat_map(|organization| orders(organization, 25))
            .collect();
        let some: Vec<_> = some.into_iter().map(|record| record.placed(partitions)).collect();
        let is_enough = Arc::clone(&is_enough);
        std::thread::spawn(move || {
            while !is_enough.load(Ordering::Relaxed) {
                producer.send_all(&some, PRODUCE_LIMIT).expect("records are taken");
            }
        })
    };
    until_counted(&stack, "acme", "orders_created", 25).await;
    for _ in 0..3 {
        assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    }
    is_enough.store(true, Ordering::Relaxed);
    tokio::task::block_in_place(|| flow.join()).expect("a flow that ends well");
    assert_eq!(member.stop().await, Some(0));
}
