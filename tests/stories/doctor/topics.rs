//! Topics that are missing, forbidden, or set to lose, to spread or to slow down records.

use super::{FORTNIGHT_MS, examine, for_topics, stack, stack_with_own};
use crate::operators::answer;
use crate::telling::{count, make_anew, orders, yesterday};
use load::murmur2::partition_of;
use load::{Message, Produced, Topics};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use stack::Service;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Denied, Resource, Stack};

/// How many partitions the topics made here have.
pub const PARTITIONS: i32 = 4;

/// How long Kafka may take to make or to forget a topic.
const LIMIT: Duration = Duration::from_secs(60);

/// Topics of their own names, which are set to this.
pub async fn made(stack: &Stack, name: &str, settings: &[(&str, &str)]) -> Topics {
    let topics = Topics::prefixed(&format!("{}.{name}.", stack.name()));
    let names = topics.all();
    let new = names.iter().map(|name| {
        let topic = NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(-1));
        settings.iter().fold(topic, |topic, (setting, value)| topic.set(setting, value))
    });
    let new: Vec<NewTopic<'_>> = new.collect();
    let admin = stack.kafka().admin().expect("an administration");
    let made = admin.create_topics(&new, &AdminOptions::new()).await.expect("an answer");
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let known = wait::until("topics to have leaders", LIMIT, async || {
        let known = names.iter().all(|name| stack.kafka().ends(name).is_ok_and(|ends| ends.len() == 4));
        Ok(Seen::when(known, "not all have"))
    });
    known.await.expect("topics");
    topics
}

/// A topic's name and settings, the mark and name of the check that finds them, and words of what it says.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], (&'a str, &'a str), &'a [&'a str]);

#[tokio::test]
async fn settings_that_lose_records_or_slow_them_down_are_found() {
    let Some(stack) = stack().await else { return };
    let fortnight = ("retention.ms", FORTNIGHT_MS);
    let cases: [Case<'_>; 7] = [
        (
            "short",
            &[("retention.ms", "86400000")],
            ("fault", "topic-retention"),
            &["for 1 d", "4 d are needed", "retention.ms"],
        ),
        (
            "small",
            &[fortnight, ("retention.bytes", "1000000")],
            ("warning", "topic-size"),
            &["1000000 bytes"],
        ),
        (
            "compact",
            &[("cleanup.policy", "compact")],
            ("fault", "topic-cleanup"),
            &["compact", "cleanup.policy=delete"],
        ),
        (
            "both",
            &[fortnight, ("cleanup.policy", "compact,delete")],
            ("fault", "topic-cleanup"),
            &["compact,delete", "cleanup.policy=delete"],
        ),
        (
            "packed",
            &[fortnight, ("compression.type", "gzip")],
            ("warning", "topic-compression"),
            &["gzip", "compression.type=producer"],
        ),
        (
            "large",
            &[fortnight, ("max.message.bytes", "200000000")],
            ("fault", "topic-batch-size"),
            &["200000000 bytes", "KAFKA_CONFIG_RECEIVE_MESSAGE_MAX_BYTES"],
        ),
        ("sound", &[fortnight], ("warning", "topic-replicas"), &["replication factor 1", "three replicas"]),
    ];
    for (name, settings, (mark, check), words) in cases {
        let wrong = Topics { events: made(&stack, name, settings).await.events, ..stack.topics().clone() };
        let report = examine(for_topics(&stack, &wrong), &[]).await;
        if check == "topic-replicas" {
            assert_eq!(report.beside(), [], "{report:#?}");
            report.says(check, words);
        } else {
            report.finds(mark, check, &[words, &[&*wrong.events]].concat());
        }
    }
    // The same topic is sound for whoever is never away for so long.
    let short = Topics {
        events: format!("{}.short.{}", stack.name(), Topics::default().events),
        ..stack.topics().clone()
    };
    let options = ["--longest-outage", "12h", "--backup-age", "12h"];
    assert_eq!(examine(for_topics(&stack, &short), &options).await.beside(), []);
}

#[tokio::test]
async fn records_that_outlive_the_ledgers_memory_are_found() {
    let Some(stack) = stack().await else { return };
    let months = made(&stack, "months", &[("retention.ms", "7776000000")]).await;
    let report = examine(for_topics(&stack, &months).set("LEDGER_RETENTION_DAYS", "35"), &[]).await;
    assert_eq!(report.beside(), [], "{report:#?}");
    report.says("ledger-retention", &["of the last 35 d", "LEDGER_RETENTION_DAYS"]);
    let long =
        for_topics(&stack, &months).set("LEDGER_RETENTION_DAYS", "90").set("FAILURE_RETENTION_DAYS", "90");
    let report = examine(long, &[]).await;
    assert!(report.found.iter().all(|found| found.check == "topic-replicas"), "{report:#?}");
}

#[tokio::test]
async fn a_topic_that_does_not_exist_is_found() {
    let Some(stack) = stack().await else { return };
    let missing = format!("{}.missing", stack.name());
    let report = examine(stack.consumer().set("EVENTS_TOPIC", &missing), &[]).await;
    report.finds("fault", "topic", &[&missing, "doesn't exist", "EVENTS_TOPIC"]);
}

#[tokio::test]
async fn rights_that_are_missing_on_topics_are_found() {
    let Some(stack) = stack_with_own(Service::Kafka).await else { return };
    let events = &*stack.topics().events;
    for denied in [Denied::Read, Denied::All] {
        stack.deny(Resource::Topic(events), denied).await;
        let report = examine(stack.consumer(), &[]).await;
        report.finds("fault", "topic-rights", &[events, "may not be read", "READ"]);
        stack.allow_again(Resource::Topic(events)).await;
    }
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
}

#[tokio::test]
async fn settings_that_may_not_be_seen_are_a_warning() {
    let Some(stack) = stack_with_own(Service::Kafka).await else { return };
    let events = &*stack.topics().events;
    stack.deny(Resource::Topic(events), Denied::DescribeConfigs).await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("warning", "topic-settings", &[events, "its settings can't be seen", "DESCRIBE_CONFIGS"]);
    stack.allow_again(Resource::Topic(events)).await;
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
}

/// Ends the layout of the events, which a member has counted.
async fn end_layout(stack: &Stack) {
    stack.produce(orders("acme", 10)).await;
    let member = stack.consumer().start().await;
    stack.until_idle().await;
    let change = [
        "layout",
        "change",
        "--topic",
        &stack.topics().events,
        "--quiet-for",
        "100ms",
        "--learn-for",
        "100ms",
    ];
    answer(stack, &change).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_layouts_topic_that_may_not_be_read_or_was_lost_is_found() {
    let Some(stack) = stack_with_own(Service::Kafka).await else { return };
    end_layout(&stack).await;
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    let layouts = stack.layouts_topic();
    stack.deny(Resource::Topic(&layouts), Denied::Read).await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds(
        "fault",
        "layouts-topic",
        &[&layouts, "can't be read", "READ and DESCRIBE on LAYOUTS_TOPIC"],
    );
    stack.allow_again(Resource::Topic(&layouts)).await;
    let admin = stack.kafka().admin().expect("an administration");
    let deleted = admin.delete_topics(&[&*layouts], &AdminOptions::new()).await.expect("an answer");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    let lost = wait::until("the layouts' topic to be lost", LIMIT, async || {
        let report = examine(stack.consumer(), &[]).await;
        let is_lost = report.found.iter().any(|found| found.said.contains("which the database knows"));
        Ok(if is_lost { Seen::Ready(report) } else { Seen::NotYet(format!("{report:#?}")) })
    });
    let report = lost.await.expect("a finding");
    report.finds(
        "fault",
        "layouts-topic",
        &[&stack.topics().events, "layouts 1 ended", "consumer layout announce"],
    );
    answer(&stack, &["layout", "announce", "--topic", &stack.topics().events]).await;
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
}

#[tokio::test]
async fn partitions_that_were_added_by_hand_are_found() {
    let Some(stack) = stack().await else { return };
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;
    let events = &*stack.topics().events;
    stack.kafka().extend_topics(&[events], stack.partitions() + 2).await.expect("partitions");
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "topic-partitions", &[events, "6 partitions", "knows 4", "consumer layout change"]);
}

#[tokio::test]
async fn a_topic_that_was_made_anew_is_found_as_that_alone() {
    let Some(stack) = stack().await else { return };
    stack.produce(orders("acme", 10)).await;
    count(&stack).await;
    let events = &*stack.topics().events;
    make_anew(&stack, events).await;
    let report = examine(stack.consumer(), &[]).await;
    report.finds("fault", "topic-identity", &[events, "made anew", "consumer progress reset"]);
}

#[tokio::test]
async fn records_of_another_partitioner_are_found_unless_that_is_meant() {
    let Some(stack) = stack().await else { return };
    stack.produce(orders("well placed", 100)).await;
    assert_eq!(examine(stack.consumer(), &[]).await.beside(), []);
    let order = Produced::plain(Message::order("acme", "o1", yesterday()));
    let partition = (partition_of(b"acme", stack.partitions()) + 1) % stack.partitions();
    stack.produce([Produced { partition: Some(partition), ..order }]).await;
    let report = examine(stack.consumer(), &[]).await;
    let events = &*stack.topics().events;
    report.finds("fault", "topic-keys", &[events, "of the newest", "acme", "murmur2"]);
    let meant = stack.consumer().set("OTHER_PARTITIONER_TOPICS", events);
    assert_eq!(examine(meant, &[]).await.beside(), []);
    // Behind a newer record of the same partition it isn't seen any more.
    stack.produce(there(partition, stack.partitions())).await;
    assert_eq!(examine(stack.consumer(), &["--newest", "1"]).await.beside(), []);
}

/// A record whose key belongs in this partition.
fn there(partition: i32, partitions: i32) -> Option<Produced> {
    let organizations = (0..1_000).map(|n| format!("org{n}"));
    let mut there =
        organizations.filter(|organization| partition_of(organization.as_bytes(), partitions) == partition);
    there.next().map(|organization| Produced::plain(Message::order(&organization, "o1", yesterday())))
}
