//! Partitions whose next record Kafka doesn't have: each stops by itself, loudly, and waits for an operator; the others
//! go on.

use crate::operators::{answer, operate};
use crate::telling::{count, make_anew, orders_created, orders_in, plain, until_counted, yesterday};
use load::Message;
use rdkafka::admin::AdminOptions;
use rdkafka::{Offset, TopicPartitionList};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Member, Stack};

/// How long it may take until a partition stops: topics' ids are compared every ten seconds.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Two partitions with 100 orders each, acme's in the first, beta's in the second, all counted by a member that has left.
async fn counted() -> Stack {
    let stack = Stack::with_partitions(2).await;
    stack.produce(orders_in(0, "acme", 0..100)).await;
    stack.produce(orders_in(1, "beta", 0..100)).await;
    count(&stack).await;
    stack
}

/// Waits until the member says everywhere that these partitions of the events have stopped.
pub async fn until_stopped(stack: &Stack, member: &Member, partitions: &[i32]) {
    let stopped = wait::until("partitions to stop", STOP_LIMIT, async || {
        let ready = member.admin("/readyz").await;
        let name = |n: &i32| format!("partition {}/{n}", stack.topics().events);
        let said = ready.status == 503 && partitions.iter().all(|n| ready.body.contains(&name(n)));
        Ok(Seen::when(said, ready.body))
    });
    stopped.await.expect("partitions that stop");
    let times = member.metric("consumer_partitions_stopped_total", "").await;
    assert_eq!(times, partitions.len() as f64, "those and no others");
    assert!(member.log_tail().contains("stopped: nothing of it is counted"), "{}", member.log_tail());
}

/// Has an operator decide that the events' partition (or all of them) goes on at the oldest record there is.
async fn reset(stack: &Stack, partition: Option<i32>) -> String {
    let number = partition.map(|number| number.to_string());
    let mut args = vec!["progress", "reset", "--topic", &*stack.topics().events, "--to", "earliest"];
    args.extend(number.iter().flat_map(|number| ["--partition", &**number]));
    answer(stack, &args).await
}

/// Has Kafka forget what stands before an offset of the events' partition, as retention does.
pub async fn forget_before(stack: &Stack, partition: i32, offset: i64) {
    forget_of(stack, &stack.topics().events, partition, offset).await;
}

/// The same of any topic's partition.
pub async fn forget_of(stack: &Stack, topic: &str, partition: i32, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
    let admin = stack.kafka().admin().expect("an administration");
    let deleted = admin.delete_records(&list, &AdminOptions::new()).await.expect("an answer");
    assert!(deleted.elements().iter().all(|element| element.error().is_ok()), "{deleted:?}");
}

#[tokio::test]
async fn what_retention_took_stops_its_partition_alone_until_an_operator_decides() {
    let stack = counted().await;
    stack.produce(orders_in(0, "acme", 100..150)).await;
    forget_before(&stack, 0, 120).await;
    let member = stack.consumer().start().await;
    until_stopped(&stack, &member, &[0]).await;
    let gone = "20 records from 100 were deleted before they were counted";
    let ready = member.admin("/readyz").await.body;
    assert!(ready.contains(&format!("stopped: {gone}; decide by `consumer progress reset")), "{ready}");
    let shown = operate(&stack, &["progress", "show"]).await;
    assert!(shown.errors.contains(gone), "{shown:#?}");
    for numbers in [100..150, 150..200] {
        let end = numbers.end;
        stack.produce(orders_in(1, "beta", numbers)).await;
        until_counted(&stack, "beta", "orders_created", end as i64).await;
    }
    stack.counts("acme").await.are(orders_created(100));
    assert_eq!(member.stop().await, Some(0));

    let said = reset(&stack, Some(0)).await;
    assert!(said.contains("20 offsets are gone from Kafka, never counted"), "{said}");
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(130));
    stack.counts("beta").await.are(orders_created(200));
}

#[tokio::test]
async fn a_topic_made_anew_under_a_member_stops_and_the_other_topics_go_on() {
    let stack = counted().await;
    let mut member = stack.consumer().start().await;
    member.until_ready().await;
    made_anew(&stack, Some(member)).await;
}

#[tokio::test]
async fn a_topic_made_anew_while_nobody_read_it_stops_and_the_other_topics_go_on() {
    let stack = counted().await;
    made_anew(&stack, None).await;
}

#[tokio::test]
async fn a_topic_made_anew_is_not_hidden_from_partitions_that_are_held_by_a_claim_in_between() {
    let stack = counted().await;
    let events = stack.topics().events.clone();
    let (mut stays, mut leaves) = (stack.consumer().start().await, stack.consumer().start().await);
    stays.until_ready().await;
    leaves.until_ready().await;
    make_anew(&stack, &events).await;
    // More than were counted: the stored offsets lie within the new log.
    stack.produce(orders_in(0, "gamma", 0..150)).await;
    stack.produce(orders_in(1, "gamma", 150..300)).await;
    // The member that stays claims what the other held, before it looks at the topics' ids again.
    assert_eq!(leaves.stop().await, Some(0));
    let stopped = wait::until("both partitions to stop", STOP_LIMIT, async || {
        let ready = stays.admin("/readyz").await;
        let said = [0, 1].iter().all(|n| ready.body.contains(&format!("partition {events}/{n}")));
        Ok(Seen::when(said, ready.body))
    });
    stopped.await.expect("partitions that stop");
    stack.counts("gamma").await.are(orders_created(0));
    assert_eq!(stays.stop().await, Some(0));
}

/// The topic of events is made anew, with fewer records than were counted, and counted after a reset.
async fn made_anew(stack: &Stack, member: Option<Member>) {
    make_anew(stack, &stack.topics().events).await;
    stack.produce(orders_in(0, "gamma", 0..5)).await;
    stack.produce(orders_in(1, "gamma", 5..10)).await;
    let member = match member {
        Some(member) => member,
        None => stack.consumer().start().await,
    };
    until_stopped(stack, &member, &[0, 1]).await;
    let run = Message::workflow("acme", "r1", yesterday(), proto::v1::workflow_terminal::Outcome::Success, 7);
    stack.produce(plain([run])).await;
    until_counted(stack, "acme", "workflows_total", 1).await;
    stack.counts("gamma").await.are(orders_created(0));
    assert_eq!(member.stop().await, Some(0));

    reset(stack, None).await;
    count(stack).await;
    stack.counts("gamma").await.are(orders_created(10));
    stack.counts("beta").await.are(orders_created(100));
}

#[tokio::test]
async fn a_stored_offset_that_is_none_stops_its_partition_and_no_other() {
    let stack = counted().await;
    let spoil = "update consumer_progress set next_offset = -7 where topic = $1 and kafka_partition = 0";
    stack.client().await.execute(spoil, &[&stack.topics().events]).await.expect("a row");
    let member = stack.consumer().start().await;
    until_stopped(&stack, &member, &[0]).await;
    assert!(member.log_tail().contains("-7 is no offset"), "{}", member.log_tail());
    stack.produce(orders_in(1, "beta", 100..110)).await;
    until_counted(&stack, "beta", "orders_created", 110).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn an_offset_beyond_the_end_stops_its_partition_and_proves_nothing() {
    let stack = counted().await;
    let events = &*stack.topics().events;
    let client = stack.client().await;
    let ahead = "update consumer_progress set next_offset = 1000000, complete_through = null
                 where topic = $1 and kafka_partition = 0";
    client.execute(ahead, &[&events]).await.expect("a row");
    let member = stack.consumer().start().await;
    until_stopped(&stack, &member, &[0]).await;
    let ready = member.admin("/readyz").await.body;
    assert!(ready.contains("stopped: goes on at 1000000, and Kafka ends at 100;"), "{ready}");
    stack.produce(orders_in(0, "acme", 100..150)).await;
    stack.produce(orders_in(1, "beta", 100..150)).await;
    until_counted(&stack, "beta", "orders_created", 150).await;
    let proven =
        "select complete_through is not null from consumer_progress where topic = $1 and kafka_partition = 0";
    let proven: bool = client.query_one(proven, &[&events]).await.expect("a row").get(0);
    assert!(!proven, "nothing says that the partition is counted to its end");
    assert_eq!(member.stop().await, Some(0));

    reset(&stack, Some(0)).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(150));
    stack.counts("beta").await.are(orders_created(150));
}
