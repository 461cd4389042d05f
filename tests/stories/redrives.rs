//! Redriving that is interrupted: doing it again is right.

use crate::operators::answer;
use crate::telling::{count, orders_created, until_waiting_for_locks, yesterday};
use load::Message;
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;

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
