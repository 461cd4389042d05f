//! Changing how records are spread over partitions: copies are recognized wherever they come afterwards.

use crate::operators::{answer, operate};
use crate::telling::{count, orders, orders_created};
use load::Produced;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;

/// Until a member has found new partitions, and somebody holds them.
const LIMIT: Duration = Duration::from_secs(60);
const QUIET: [&str; 2] = ["--quiet-for", "100ms"];

/// Where the keys belong in so many partitions.
fn spread(records: &[Produced], partitions: i32) -> Vec<Produced> {
    records.iter().map(|record| record.clone().placed(partitions)).collect()
}

/// Orders of many organizations, so that there are as many keys.
fn of_many() -> Vec<Produced> {
    (0..40).flat_map(|n| orders(&format!("org{n}"), 25)).collect()
}

async fn counts_are(stack: &Stack, each: i64) {
    for n in 0..40 {
        stack.counts(&format!("org{n}")).await.are(orders_created(each));
    }
}

#[tokio::test]
async fn copies_are_recognized_in_whatever_partition_they_come_after_the_change() {
    let stack = Stack::with_partitions(2).await;
    let records = of_many();
    let member = stack.consumer().set("KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS", "500").start().await;
    stack.produce(spread(&records, 2)).await;
    stack.until_idle().await;

    let topic = stack.topics().events.clone();
    let change = [&["layout", "change", "--topic", &*topic, "--partitions", "5"], &QUIET[..]].concat();
    let said = answer(&stack, &[&change[..], &["--dry-run"]].concat()).await;
    assert!(said.contains("everything is counted, and nothing is changed"), "{said}");
    let said = answer(&stack, &change).await;
    assert!(said.contains("has layout 2 now; producers may go on"), "{said}");
    let said = answer(&stack, &["layout", "show", "--topic", &topic]).await;
    assert!(said.contains("layout 2, 5 partitions"), "{said}");

    let moved = spread(&records, 5);
    let elsewhere = moved.iter().zip(spread(&records, 2)).filter(|(new, old)| new.partition != old.partition);
    assert!(elsewhere.count() > 100, "most keys have moved");
    stack.produce(moved).await;
    let held = wait::until("the new partitions to be counted", LIMIT, async || {
        let query = "select count(*) from consumer_progress where next_offset > 0 and layout = 2";
        let counted: i64 = stack.client().await.query_one(query, &[]).await?.get(0);
        Ok(Seen::when(counted == 5, format!("{counted} are")))
    });
    held.await.expect("new partitions that are counted");
    stack.until_idle().await;
    counts_are(&stack, 25).await;

    // What is new is known from now on, in its new place; so it is to who comes next.
    assert_eq!(member.stop().await, Some(0));
    stack.produce(spread(&records, 5)).await;
    count(&stack).await;
    counts_are(&stack, 25).await;
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
}

#[tokio::test]
async fn the_change_is_refused_while_something_is_not_counted() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(orders("acme", 10)).await;
    let topic = stack.topics().events.clone();
    let change = ["layout", "change", "--topic", &*topic, "--quiet-for", "1ms", "--wait", "10ms"];
    let ended = operate(&stack, &change).await;
    assert!(ended.code == Some(1), "{ended:#?}");
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(10));
    let fewer = [&change[..], &["--partitions", "1"]].concat();
    assert_eq!(operate(&stack, &fewer).await.code, Some(2), "Kafka takes no partitions away");
    let unknown = ["layout", "change", "--topic", "nothing of that name"];
    assert_eq!(operate(&stack, &unknown).await.code, Some(2));
    let layouts = "select max(layout) from consumer_progress";
    let layout: i32 = stack.client().await.query_one(layouts, &[]).await.expect("progress").get(0);
    assert_eq!(layout, 1);
}
