//! Producers gone wrong: however many records can't be counted, the others are, the disk stays, nothing is unaccounted for.

use crate::telling::{orders, orders_created, yesterday};
use domain::Counters;
use load::{Kind, Message, Produced};
use proto::v1::workflow_terminal::Outcome;
use rdkafka::admin::AdminOptions;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use tests::{Ended, Stack};

/// So many records that say nothing.
fn garbage(count: usize) -> impl Iterator<Item = Produced> {
    (0..count).map(|n| Produced::garbage(Kind::Event, &format!("org{n}"), b"\xff\xff".to_vec()))
}

/// Counts what there is, with these settings.
async fn count_with(stack: &Stack, settings: &[(&str, &str)]) {
    let launch = settings.iter().fold(stack.consumer(), |launch, (name, value)| launch.set(name, *value));
    let consumer = launch.start().await;
    stack.until_idle().await;
    assert_eq!(consumer.stop().await, Some(0));
}

async fn operate(stack: &Stack, args: &[&str]) -> Ended {
    stack.consumer().command(args).run().await
}

async fn number(stack: &Stack, query: &str) -> i64 {
    stack.client().await.query_one(query, &[]).await.expect("a row").get(0)
}

/// What is kept, and of how many only the places are.
async fn kept(stack: &Stack) -> (i64, i64) {
    let whole = number(stack, "select count(*) from dead_letters").await;
    (whole, number(stack, "select coalesce(sum(records), 0)::bigint from dead_letter_runs").await)
}

/// The most that is kept of one partition in one hour.
async fn most_kept_in_an_hour(stack: &Stack) -> i64 {
    let by_hour = "select count(*) as n from dead_letters group by topic, kafka_partition, date_trunc('hour', rejected_at)";
    number(stack, &format!("select coalesce(max(n), 0) from ({by_hour}) h")).await
}

#[tokio::test]
async fn a_flood_in_one_topic_leaves_the_others_counted_and_itself_accounted_for() {
    let stack = Stack::start().await;
    stack.produce(garbage(30_000)).await;
    let run = |n| Message::workflow("acme", &format!("w{n}"), yesterday(), Outcome::Success, 7);
    stack.produce((0..2_000).map(|n| Produced::plain(run(n)))).await;
    let mut good = garbage(1_000).collect::<Vec<_>>();
    good.extend(orders("acme", 500));
    stack.produce(good).await;

    let consumer = stack.consumer().set("DEAD_LETTERS_WHOLE_PER_HOUR", "100").start().await;
    stack.until_idle().await;
    let counted = Counters { workflows_total: 2_000, total_execution_time_ms: 14_000, ..orders_created(500) };
    stack.counts("acme").await.are(counted);
    let (whole, places) = kept(&stack).await;
    assert_eq!(whole + places, 31_000, "each is accounted for");
    assert!(most_kept_in_an_hour(&stack).await <= 100, "{whole} are kept");
    assert_eq!(consumer.metric("consumer_dead_letters_total", "malformed_payload").await, 31_000.0);
    let only = consumer.metric("consumer_dead_letters_places_only_total", "").await;
    assert_eq!(only, places as f64);
    assert_eq!(consumer.stop().await, Some(0));

    let list = operate(&stack, &["dead-letters", "list", "--json", "--limit", "10"]).await;
    let list: Value = serde_json::from_str(&list.output).expect("JSON");
    assert_eq!(
        list["total"]["kept"].as_i64().zip(list["total"]["placesOnly"].as_i64()),
        Some((whole, places))
    );
    let runs = list["runs"].as_array().expect("an array");
    assert_eq!(runs.iter().filter_map(|run| run["records"].as_i64()).sum::<i64>(), places);
    let size = number(&stack, "select pg_total_relation_size('dead_letter_runs')").await;
    assert!(size < 500_000, "the places of 30,000 records take {size} bytes");
}

#[tokio::test]
async fn a_member_that_starts_again_and_again_keeps_no_more() {
    let stack = Stack::with_partitions(1).await;
    for round in 1..=3 {
        stack.produce(garbage(40)).await;
        count_with(&stack, &[("DEAD_LETTERS_WHOLE_PER_HOUR", "10")]).await;
        let (whole, places) = kept(&stack).await;
        assert_eq!(whole + places, 40 * round);
        assert!(most_kept_in_an_hour(&stack).await <= 10, "{whole} are kept after {round} starts");
    }
}

#[tokio::test]
async fn what_is_read_again_after_a_reset_is_accounted_for_once() {
    let stack = Stack::with_partitions(1).await;
    let mut records: Vec<_> = garbage(20).collect();
    records.insert(10, Produced::plain(Message::order("acme", "o1", yesterday())));
    stack.produce(records).await;
    let reset = ["progress", "reset", "--topic", &*stack.topics().events, "--to", "earliest"];
    let per_hour = async |limit: &str| {
        count_with(&stack, &[("DEAD_LETTERS_WHOLE_PER_HOUR", limit)]).await;
        kept(&stack).await
    };
    assert_eq!(per_hour("0").await, (0, 20));
    for (limit, expected) in [("0", (0, 20)), ("15", (15, 5)), ("1000", (20, 0)), ("0", (20, 0))] {
        assert_eq!(operate(&stack, &reset).await.code, Some(0));
        assert_eq!(per_hour(limit).await, expected, "{limit} an hour");
    }
    stack.counts("acme").await.are(orders_created(1));
}

#[tokio::test]
async fn a_large_record_is_cut_and_redriven_as_kafka_has_it() {
    let stack = Stack::with_partitions(1).await;
    let payload = [&b"\xff"[..], &[b'x'; 4_999]].concat();
    stack.produce([Produced::garbage(Kind::Event, "acme", payload)]).await;
    let small = [("DEAD_LETTER_PAYLOAD_BYTES_MAX", "100")];
    count_with(&stack, &small).await;
    let letters = stack.dead_letters().await;
    assert_eq!(letters[0].payload.as_ref().map(Vec::len), Some(100));
    let events = &*stack.topics().events;
    let show = ["dead-letters", "show", "--topic", events, "--partition", "0", "--offset", "0"];
    let shown = operate(&stack, &show).await.output;
    assert!(shown.contains("the record was cut: the payload has 5000 bytes"), "{shown}");
    let list = operate(&stack, &["dead-letters", "list"]).await.output;
    assert!(list.contains("5000 (cut)"), "{list}");

    let redrive = operate(&stack, &["dead-letters", "redrive", "--all"]).await;
    assert_eq!((redrive.code, &*redrive.output), (Some(0), "1 redriven\n"), "{redrive:#?}");
    count_with(&stack, &[]).await;
    let letters = stack.dead_letters().await;
    assert_eq!(letters[1].payload.as_ref().map(Vec::len), Some(5_000), "whole, as it was");
    assert_eq!((letters[1].key.as_deref(), &letters[0].key), (Some(&b"acme"[..]), &letters[1].key));

    forget(&stack, 1).await;
    let redrive = operate(&stack, &["dead-letters", "redrive", "--offset", "0", "--again"]).await;
    assert_eq!(redrive.code, Some(1), "{redrive:#?}");
    assert!(redrive.output.contains("Kafka doesn't have it any more"), "{redrive:#?}");
}

/// Has Kafka forget the events of partition 0 before `offset`.
async fn forget(stack: &Stack, offset: i64) {
    let mut before = TopicPartitionList::new();
    let events = &*stack.topics().events;
    before.add_partition_offset(events, 0, Offset::Offset(offset)).expect("a place");
    let admin = stack.kafka().admin().expect("an administration");
    admin.delete_records(&before, &AdminOptions::new()).await.expect("records forgotten");
}

#[tokio::test]
async fn records_of_which_only_places_are_kept_are_shown_and_redriven_from_kafka() {
    let stack = Stack::with_partitions(1).await;
    let mut records: Vec<_> = garbage(30).collect();
    records.splice(10..10, orders("acme", 5));
    stack.produce(records).await;
    let none = [("DEAD_LETTERS_WHOLE_PER_HOUR", "0")];
    count_with(&stack, &none).await;
    assert_eq!(kept(&stack).await, (0, 30));
    let events = &*stack.topics().events;
    let show = ["dead-letters", "show", "--topic", events, "--partition", "0", "--offset"];
    let shown = operate(&stack, &[&show[..], &["9"]].concat()).await;
    assert!(shown.output.contains("malformed_payload") && shown.output.contains("-o 9 -c 1"), "{shown:#?}");
    let good = operate(&stack, &[&show[..], &["10"]].concat()).await;
    assert_eq!(good.code, Some(1), "that one was counted: {good:#?}");
    let list = operate(&stack, &["dead-letters", "list"]).await;
    let lines: Vec<Vec<&str>> = list.output.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((lines.len(), &lines[1][..6]), (2, &[events, "0", "malformed_payload", "30", "0", "34"][..]));

    let ends = || stack.ends()[&(events.to_owned(), 0)];
    let redrive = ["dead-letters", "redrive", "--reason", "malformed_payload"];
    let dry = operate(&stack, &[&redrive[..], &["--dry-run"]].concat()).await;
    assert_eq!((&*dry.output, ends()), ("30 would be redriven\n", 35), "{dry:#?}");
    let one = operate(&stack, &["dead-letters", "redrive", "--offset", "3"]).await;
    assert_eq!((&*one.output, ends()), ("1 redriven\n", 36), "{one:#?}");
    let rest = operate(&stack, &redrive).await;
    assert_eq!((&*rest.output, ends()), ("29 redriven\n", 65), "{rest:#?}");
    assert_eq!(operate(&stack, &redrive).await.output, "0 redriven\n", "they are marked");
    count_with(&stack, &none).await;
    assert_eq!(kept(&stack).await, (0, 60), "refused again, each on its new place");

    forget(&stack, 20).await;
    let again = operate(&stack, &["dead-letters", "redrive", "--all", "--again"]).await;
    assert_eq!(again.code, Some(1), "{again:#?}");
    let said = "45 redriven\n15 refused: the payload was not kept, and Kafka doesn't have it any more\n";
    assert_eq!(again.output, said, "{again:#?}");
}
