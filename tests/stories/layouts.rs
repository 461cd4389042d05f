//! Changing how records are spread over partitions: copies are recognized wherever they come afterwards, whatever an
//! operator does to the database or the progress.

use crate::operators::{answer, operate};
use crate::outages::epochs;
use crate::telling::{count, make_anew, orders, orders_created, plain};
use chrono::{Duration as TimeDelta, Utc};
use load::{Message, Produced};
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminOptions;
use rdkafka::producer::{FutureProducer, FutureRecord};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;

/// Until a member has found new partitions, and somebody holds them.
const LIMIT: Duration = Duration::from_secs(60);
const QUIET: [&str; 4] = ["--quiet-for", "100ms", "--learn-for", "100ms"];
/// Organizations, and orders of each.
const ORGANIZATIONS: usize = 40;
const ORDERS: usize = 25;

/// Where the keys belong in so many partitions.
fn spread(records: &[Produced], partitions: i32) -> Vec<Produced> {
    records.iter().map(|record| record.clone().placed(partitions)).collect()
}

/// Orders of many organizations, so that there are as many keys.
fn of_many() -> Vec<Produced> {
    (0..ORGANIZATIONS).flat_map(|n| orders(&format!("org{n}"), ORDERS)).collect()
}

async fn counts_are(stack: &Stack, each: i64) {
    for n in 0..ORGANIZATIONS {
        stack.counts(&format!("org{n}")).await.are(orders_created(each));
    }
}

async fn each_is_counted_once(stack: &Stack) {
    counts_are(stack, i64::try_from(ORDERS).expect("a few")).await;
    assert!(answer(stack, &["audit"]).await.contains("the books agree"));
}

/// Gives the topic of events so many partitions, by the procedure. Everything must be counted.
async fn change_layout(stack: &Stack, partitions: &str) -> String {
    let topic = &*stack.topics().events;
    answer(stack, &[&["layout", "change", "--topic", topic, "--partitions", partitions], &QUIET[..]].concat())
        .await
}

/// Ends the layout of the topic of events, and adds no partitions.
async fn end_layout(stack: &Stack) -> String {
    answer(stack, &[&["layout", "change", "--topic", &*stack.topics().events], &QUIET[..]].concat()).await
}

/// A topic of two partitions, counted; then five partitions, and every record sent again to where its key belongs now.
async fn changed_and_sent_again() -> Stack {
    let stack = Stack::with_partitions(2).await;
    stack.produce(spread(&of_many(), 2)).await;
    count(&stack).await;
    let said = change_layout(&stack, "5").await;
    assert!(said.contains("has layout 2 now; producers may go on"), "{said}");
    stack.produce(spread(&of_many(), 5)).await;
    stack
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
    assert!(said.contains("layout 1 ended in partition 0 at"), "{said}");

    let moved = spread(&records, 5);
    let elsewhere = moved.iter().zip(spread(&records, 2)).filter(|(new, old)| new.partition != old.partition);
    assert!(elsewhere.count() > 100, "most keys have moved");
    stack.produce(moved).await;
    let held = wait::until("the new partitions to be counted", LIMIT, async || {
        let query = "select count(*) from consumer_progress where next_offset > 0";
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
    each_is_counted_once(&stack).await;
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
    let as_many = [&change[..], &["--partitions", "2"]].concat();
    for args in [[&as_many[..], &["--dry-run"]].concat(), as_many] {
        let ended = operate(&stack, &args).await;
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        assert!(ended.errors.contains("has 2 partitions already; nothing is changed"), "{ended:#?}");
    }
    let unknown = ["layout", "change", "--topic", "nothing of that name"];
    assert_eq!(operate(&stack, &unknown).await.code, Some(2));
    let ended = stack.client().await.query("select 1 from topic_layouts", &[]).await.expect("layouts");
    assert!(ended.is_empty(), "no layout has ended");
}

#[tokio::test]
async fn an_empty_database_counts_the_logs_of_several_layouts_exactly() {
    let stack = changed_and_sent_again().await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
    stack.empty().await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

#[tokio::test]
async fn a_member_whose_partitions_have_waited_for_a_layout_to_end_is_ready_again() {
    let stack = changed_and_sent_again().await;
    count(&stack).await;
    let topic = stack.topics().events.clone();
    let back = ["progress", "reset", "--topic", &*topic, "--partition", "0", "--to", "earliest"];
    answer(&stack, &back).await;
    let mut member = stack.consumer().start().await;
    stack.until_idle().await;
    member.until_ready().await;
    assert!(member.log_tail().contains("waits at the end of a layout"), "{}", member.log_tail());
    each_is_counted_once(&stack).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_backup_of_before_a_change_counts_on_exactly() {
    let stack = Stack::with_partitions(2).await;
    let records = of_many();
    let (first, second) = records.split_at(records.len() / 2);
    stack.produce(spread(first, 2)).await;
    count(&stack).await;
    stack.back_up().await;
    stack.produce(spread(second, 2)).await;
    count(&stack).await;
    change_layout(&stack, "5").await;
    stack.produce(spread(&records, 5)).await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
    stack.restore().await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

#[tokio::test]
async fn a_backup_that_brings_a_lost_claim_back_under_its_holder_counts_on_exactly() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(spread(&of_many(), 2)).await;
    let mut member = stack.consumer().start().await;
    stack.until_idle().await;
    stack.back_up().await;
    member.until_ready().await;
    let before = epochs(&stack).await;
    // It holds its partitions by the claims that the backup has, and doesn't hear that they are lost.
    member.pause();
    end_layout(&stack).await;
    let other = |mut record: Produced| {
        record.partition = record.partition.map(|partition| 1 - partition);
        record
    };
    stack.produce(spread(&of_many(), 2).into_iter().map(other)).await;
    stack.restore().await;
    member.resume();
    stack.until_idle().await;
    each_is_counted_once(&stack).await;
    // Also what nobody has changed meanwhile, since the member can't know that.
    let anew = wait::until("every partition to be claimed anew", LIMIT, async || {
        let after = epochs(&stack).await;
        let same: Vec<&i64> = before.iter().filter(|epoch| after.contains(epoch)).collect();
        Ok(Seen::when(same.is_empty(), format!("claims of before: {same:?}")))
    });
    anew.await.expect("claims of after the restore");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_database_that_is_emptied_under_its_members_ends_them_and_is_counted_anew() {
    let stack = changed_and_sent_again().await;
    let mut member = stack.consumer().start().await;
    stack.until_idle().await;
    stack.empty().await;
    // Copies of what it knows by fingerprints that the new ledger doesn't understand.
    stack.produce(spread(&of_many(), 5)).await;
    assert_eq!(member.ended().await, Some(1));
    assert!(member.log_tail().contains("its ledger has another key"), "{}", member.log_tail());
    counts_are(&stack, 0).await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

#[tokio::test]
async fn partitions_that_were_just_added_are_reset_and_read_under_the_present_layout() {
    let stack = changed_and_sent_again().await;
    let topic = stack.topics().events.clone();
    for partition in ["2", "3", "4"] {
        answer(
            &stack,
            &["progress", "reset", "--topic", &topic, "--partition", partition, "--to", "earliest"],
        )
        .await;
    }
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

#[tokio::test]
async fn a_partition_set_back_into_an_earlier_layout_is_waited_for_by_the_others() {
    let stack = changed_and_sent_again().await;
    count(&stack).await;
    let topic = stack.topics().events.clone();
    answer(&stack, &["progress", "reset", "--topic", &topic, "--partition", "0", "--to", "earliest"]).await;
    // New records in the other partitions, and copies of what partition 0 reads again.
    let more: Vec<Produced> = (0..ORGANIZATIONS)
        .flat_map(|n| plain([Message::order(&format!("org{n}"), "one more", crate::telling::yesterday())]))
        .collect();
    stack.produce(spread(&more, 5)).await;
    stack.produce(spread(&of_many(), 5)).await;
    count(&stack).await;
    counts_are(&stack, 26).await;
}

#[tokio::test]
async fn a_topic_whose_progress_was_forgotten_keeps_its_layouts() {
    let stack = changed_and_sent_again().await;
    count(&stack).await;
    // As upkeep does with a topic that nobody has read for a day.
    stack.client().await.execute("delete from consumer_progress", &[]).await.expect("no progress");
    stack.produce(spread(&of_many(), 5)).await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

#[tokio::test]
async fn a_topic_made_anew_with_other_partitions_counts_nothing_twice() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(spread(&of_many(), 2)).await;
    count(&stack).await;
    let topic = stack.topics().events.clone();
    make_anew(&stack, &topic).await;
    stack.kafka().extend_topics(&[&topic], 5).await.expect("more partitions");
    answer(&stack, &["progress", "reset", "--topic", &topic, "--to", "earliest"]).await;
    stack.produce(spread(&of_many(), 5)).await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

/// Orders that are refused now, since they are from the future, and not by a member that allows it.
fn of_the_future() -> Vec<Produced> {
    let soon = Utc::now() + TimeDelta::minutes(20);
    (0..20).flat_map(|n| plain([Message::order(&format!("org{n}"), "later", soon)])).collect()
}

/// Twenty refused records of layout 1, then a change to five partitions.
async fn refused_before_a_change() -> (Stack, Vec<Produced>) {
    let stack = Stack::with_partitions(2).await;
    let records = of_the_future();
    stack.produce(spread(&records, 2)).await;
    let strict = stack.consumer().set("FUTURE_SKEW_MAX", "1s").start().await;
    stack.until_idle().await;
    assert_eq!(strict.stop().await, Some(0));
    assert_eq!(stack.dead_letters().await.len(), 20);
    change_layout(&stack, "5").await;
    (stack, records)
}

async fn each_of_the_future_is_counted_once(stack: &Stack) {
    count(stack).await;
    for n in 0..20 {
        stack.counts(&format!("org{n}")).await.are(orders_created(1));
    }
}

#[tokio::test]
async fn a_record_refused_before_a_change_is_sent_again_and_then_redriven_and_counts_once() {
    let (stack, records) = refused_before_a_change().await;
    stack.produce(spread(&records, 5)).await;
    each_of_the_future_is_counted_once(&stack).await;
    let said = answer(&stack, &["dead-letters", "redrive", "--all"]).await;
    assert!(said.contains("20 redriven"), "{said}");
    each_of_the_future_is_counted_once(&stack).await;
}

#[tokio::test]
async fn a_record_refused_before_a_change_is_redriven_and_then_sent_again_and_counts_once() {
    let (stack, records) = refused_before_a_change().await;
    answer(&stack, &["dead-letters", "redrive", "--all"]).await;
    each_of_the_future_is_counted_once(&stack).await;
    stack.produce(spread(&records, 5)).await;
    each_of_the_future_is_counted_once(&stack).await;
}

/// Deletes all records of the layouts' topic.
async fn forget_layouts(stack: &Stack) {
    let mut all = TopicPartitionList::new();
    all.add_partition_offset(&stack.layouts_topic(), 0, rdkafka::Offset::End).expect("a place");
    let admin = stack.kafka().admin().expect("an administration");
    admin.delete_records(&all, &AdminOptions::new()).await.expect("no records");
}

#[tokio::test]
async fn records_in_the_layouts_topic_that_no_command_wrote_stop_and_double_nothing() {
    let stack = changed_and_sent_again().await;
    let (topic, layouts) = (stack.topics().events.clone(), stack.layouts_topic());
    let forged = |layout: i32, end: i64| {
        format!(
            r#"{{"topic":"{topic}","topicId":"","layout":{layout},"ends":[{end},{end},{end},{end},{end}]}}"#
        )
    };
    let strays =
        ["rubbish".to_owned(), "{}".to_owned(), forged(1, 7), forged(2, 1_000_000_000), forged(3, 2)];
    let producer: FutureProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", stack.kafka().brokers())
        .create()
        .expect("a producer");
    for stray in &strays {
        let record = FutureRecord::<(), _>::to(&layouts).partition(0).payload(stray);
        producer.send(record, Duration::from_secs(30)).await.expect("Kafka takes it");
    }
    count(&stack).await;
    each_is_counted_once(&stack).await;
    stack.empty().await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
    // A change waits until the one whose ends don't exist is gone: later it could be taken for a real one.
    let change = ["layout", "change", "--topic", &*topic, "--partitions", "6", "--quiet-for", "1ms"];
    let ended = operate(&stack, &change).await;
    assert!(ended.errors.contains("records that no command wrote"), "{ended:#?}");
    forget_layouts(&stack).await;
    let said = answer(&stack, &["layout", "announce", "--topic", &topic]).await;
    assert!(said.contains("announced 1 layouts"), "{said}");
    change_layout(&stack, "6").await;
    stack.produce(spread(&of_many(), 6)).await;
    count(&stack).await;
    stack.empty().await;
    count(&stack).await;
    each_is_counted_once(&stack).await;
}

#[tokio::test]
async fn a_change_without_a_right_of_postgresql_is_refused_before_anything_is_closed() {
    let stack = Stack::with_partitions(2).await;
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;
    let topic = stack.topics().events.clone();
    let role = format!("{}_weak", stack.name());
    let grants = format!(
        "create role \"{role}\" login password 'weak'; grant select on all tables in schema public to \"{role}\"; \
         grant update on consumer_progress to \"{role}\""
    );
    stack.client().await.batch_execute(&grants).await.expect("a role");
    let url = stack.database().as_role(&role, "weak");
    let change = ["layout", "change", "--topic", &*topic, "--partitions", "3", "--dry-run"];
    let ended = stack.consumer().set("DATABASE_URL", url.as_str()).command(&change).run().await;
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.errors.contains("needs INSERT on topic_layouts; nothing is changed"), "{ended:#?}");
    let gone = format!("drop owned by \"{role}\"; drop role \"{role}\"");
    stack.client().await.batch_execute(&gone).await.expect("the role to go");
}
