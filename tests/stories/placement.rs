//! Records in another partition than their key's: their producer has another partitioner, and is told.

use crate::operators::{answer, json, operate};
use crate::telling::orders;
use load::Produced;
use load::murmur2::partition_of;
use tests::{Member, Stack};

/// Orders of eight organizations, each in the partition after the one where its key belongs.
fn by_another_partitioner(partitions: i32) -> Vec<Produced> {
    let all = (0..8).flat_map(|n| orders(&format!("org{n}"), 10));
    let place = |record: &Produced| (partition_of(&record.key, partitions) + 1) % partitions;
    all.map(|record| Produced { partition: Some(place(&record)), ..record }).collect()
}

async fn misplaced(stack: &Stack, member: &Member) -> f64 {
    let labels = format!("topic=\"{}\"", stack.topics().events);
    member.metric("consumer_misplaced_records_total", &labels).await
}

#[tokio::test]
async fn a_producer_with_another_partitioner_shows_in_metric_log_and_progress() {
    let stack = Stack::start().await;
    let member = stack.consumer().start().await;
    assert!((misplaced(&stack, &member).await - 0.0).abs() < f64::EPSILON);
    stack.produce(by_another_partitioner(stack.partitions())).await;
    stack.produce(orders("well placed", 100)).await;
    stack.until_idle().await;
    assert!((misplaced(&stack, &member).await - 80.0).abs() < f64::EPSILON);
    assert!(member.log_tail().contains("another partitioner than murmur2"), "{}", member.log_tail());
    assert_eq!(member.stop().await, Some(0));

    let shown = json(&stack, &["progress", "show", "--json"]).await;
    let rows = shown.as_array().expect("rows");
    assert_eq!(rows.iter().filter_map(|row| row["misplaced"].as_i64()).sum::<i64>(), 80, "{shown}");
    let shown = operate(&stack, &["progress", "show"]).await;
    assert!(shown.errors.contains("80 records lay in another partition than their key's"), "{shown:#?}");
}

#[tokio::test]
async fn a_topic_that_is_keyed_otherwise_on_purpose_is_not_checked() {
    let stack = Stack::start().await;
    let topics = stack.topics().events.clone();
    let member = stack.consumer().set("OTHER_PARTITIONER_TOPICS", topics).start().await;
    stack.produce(by_another_partitioner(stack.partitions())).await;
    stack.until_idle().await;
    assert!((misplaced(&stack, &member).await - 0.0).abs() < f64::EPSILON);
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn records_of_an_earlier_layout_are_checked_by_its_number_of_partitions() {
    let stack = Stack::with_partitions(2).await;
    let spread = |partitions| {
        let all = (0..8).flat_map(|n| orders(&format!("org{n}"), 10));
        all.map(move |record| record.placed(partitions)).collect::<Vec<_>>()
    };
    let member = stack.consumer().set("KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS", "500").start().await;
    stack.produce(spread(2)).await;
    stack.until_idle().await;
    let topic = &*stack.topics().events;
    let change = [
        "layout",
        "change",
        "--topic",
        topic,
        "--partitions",
        "5",
        "--quiet-for",
        "100ms",
        "--learn-for",
        "100ms",
    ];
    answer(&stack, &change).await;
    stack.produce(spread(5)).await;
    stack.until_idle().await;
    assert!((misplaced(&stack, &member).await - 0.0).abs() < f64::EPSILON);
    assert_eq!(member.stop().await, Some(0));
    stack.empty().await;
    let again = stack.consumer().start().await;
    stack.until_idle().await;
    assert!((misplaced(&stack, &again).await - 0.0).abs() < f64::EPSILON);
    assert_eq!(again.stop().await, Some(0));
}
