//! Redriving that is interrupted: doing it again is right.

use crate::documented::lacks;
use crate::operators::answer;
use crate::telling::{count, orders_created, plain, until_waiting_for_locks, yesterday};
use load::Message;
use proto::v1::workflow_terminal::Outcome;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Denied, Resource, Stack};

/// More than three pages of the command's.
const LETTERS: i64 = 200;

/// How long publishing three pages may take.
const PUBLISH_LIMIT: Duration = Duration::from_secs(60);

/// Refused records that can be counted now: orders of acme, each with an id of its own.
async fn refused(stack: &Stack) {
    let insert = "insert into dead_letters (topic, kafka_partition, kafka_offset, key, headers, payload, reason, detail) \
                  values ($1, 2, $2, 'acme', '[]', $3, 'from_the_future', '')";
    let client = stack.client().await;
    for offset in 0..LETTERS {
        let payload = Message::order("acme", &format!("o{offset}"), yesterday()).encode();
        client.execute(insert, &[&stack.topics().events, &offset, &payload]).await.expect("a dead letter");
    }
}

#[tokio::test]
async fn a_redrive_killed_between_publishing_and_noting_is_done_again_and_counts_once() {
    let stack = Stack::start().await;
    refused(&stack).await;
    let client = stack.client().await;
    // The third page can be published but not noted.
    let hold = "begin; select 1 from dead_letters where kafka_offset = 120 for update";
    client.batch_execute(hold).await.expect("a lock");
    let redrive = stack.consumer().command(&["dead-letters", "redrive", "--all"]).begin();
    let published = wait::until("three pages to be published", PUBLISH_LIMIT, async || {
        let records: i64 = stack.ends().values().sum();
        Ok(Seen::when(records == 150, format!("{records} records are")))
    });
    published.await.expect("three pages");
    until_waiting_for_locks(&stack, 1).await;
    redrive.kill();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock'";
    client.execute(cut, &[]).await.expect("the right to");
    until_waiting_for_locks(&stack, 0).await;
    client.batch_execute("rollback").await.expect("no lock");

    let noted = "select count(*) from dead_letters where redriven_at is not null";
    let noted: i64 = client.query_one(noted, &[]).await.expect("a count").get(0);
    assert_eq!(noted, 100, "two pages");
    assert_eq!(answer(&stack, &["dead-letters", "redrive", "--all"]).await, "100 redriven\n");
    assert_eq!(stack.ends().values().sum::<i64>(), 250, "50 were published twice");
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(LETTERS));
    assert!(stack.dead_letters().await.len() == LETTERS as usize, "none was refused again");
}

/// What is refused of the garbage that kcat publishes, with its headers in JSON and in base64.
async fn headers_of_the_garbage(stack: &Stack) -> Vec<serde_json::Value> {
    let letters = stack.dead_letters().await;
    let garbage = letters.into_iter().filter(|letter| letter.payload.as_deref() == Some(b"garbage"));
    garbage.map(|letter| letter.headers).collect()
}

#[tokio::test]
async fn a_header_name_that_is_not_utf8_is_kept_and_published_again_byte_for_byte() {
    if lacks("the story of header names", "kcat") {
        return;
    }
    let stack = Stack::with_partitions(1).await;
    let publish = r#"printf garbage |
        kcat -P -b "$KAFKA_BROKERS" -t "$EVENTS_TOPIC" -p 0 -H $'\xff\xfe=v' -H trace=abc -H empty"#;
    assert_eq!(stack.consumer().shell(publish).run().await.code, Some(0));
    let behind = (0..3).map(|_| Message::order("acme", "", yesterday()));
    stack.produce(plain(behind)).await;

    // Only their places are kept, so they are read again from Kafka.
    let member = stack.consumer().set("DEAD_LETTERS_WHOLE_PER_HOUR", "0").start().await;
    stack.until_idle().await;
    assert_eq!(member.stop().await, Some(0));
    assert_eq!(answer(&stack, &["dead-letters", "redrive", "--all"]).await, "4 redriven\n");
    count(&stack).await;
    let name = serde_json::json!({ "base64": "//4=" });
    let others = |times| {
        serde_json::json!([[name, "dg=="], ["trace", "YWJj"], ["empty", null], ["redrive-count", times]])
    };
    assert_eq!(headers_of_the_garbage(&stack).await, [others("MQ==")]);
    let shown =
        ["dead-letters", "show", "--topic", &stack.topics().events, "--partition", "0", "--offset", "4"];
    let shown = answer(&stack, &shown).await;
    assert!(shown.contains("header        hex fffe: text, 1 bytes: v"), "{shown}");

    // They are kept whole now, and published from the table.
    assert_eq!(answer(&stack, &["dead-letters", "redrive", "--all"]).await, "4 redriven\n");
    count(&stack).await;
    assert_eq!(headers_of_the_garbage(&stack).await, [others("MQ=="), others("Mg==")]);
}

#[tokio::test]
async fn a_redrive_that_may_not_write_says_which_right_is_missing_and_redrives_the_rest() {
    let stack = Stack::with_partitions(1).await;
    // Only a Kafka of ours is known to check rights.
    let Some(_) = stack.kafka().server() else { return };
    let bad = (0..5).map(|_| Message::order("acme", "", yesterday()));
    let run = Message::workflow("acme", "", yesterday(), Outcome::Success, 1);
    stack.produce(plain(bad.chain([run]))).await;
    count(&stack).await;
    let events = &*stack.topics().events;
    stack.deny(Resource::Topic(events), Denied::Write).await;
    let right = format!("needs WRITE on the topic {events}");
    let rest = "5 refused: this user of Kafka lacks a right on their topic\n";
    let redrive = ["dead-letters", "redrive", "--all"];
    for (args, done) in
        [(&[&redrive[..], &["--dry-run"]].concat()[..], "would be redriven"), (&redrive[..], "redriven")]
    {
        let refused = stack.consumer().command(args).run().await;
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert_eq!(refused.errors.matches(&right).count(), 1, "{refused:#?}");
        assert!(
            !refused.errors.contains("may not write") && !refused.errors.contains("PurgeQueue"),
            "{refused:#?}"
        );
        assert_eq!(refused.output, format!("1 {done}\n{rest}"), "the other topic's");
    }

    stack.allow_again(Resource::Topic(events)).await;
    assert_eq!(answer(&stack, &["dead-letters", "redrive", "--all"]).await, "5 redriven\n");
}
