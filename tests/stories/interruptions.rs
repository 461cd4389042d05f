//! Members that stop, are killed, come, leave and hang: nothing is lost, nothing counts twice.

use crate::telling::{orders_created, yesterday};
use chrono::Utc;
use load::{Load, Message, Produced};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::{Member, Stack};

/// How long it may take until a new member holds partitions.
const HOLD_LIMIT: Duration = Duration::from_secs(60);

/// A load with everything in it, big enough to be interrupted.
fn mixed(seed: u64, records: u64, stack: &Stack) -> Vec<Produced> {
    Load { records, partitions: stack.partitions(), ..Load::mixed(seed, Utc::now()) }.records().collect()
}

/// A member that takes small bites, so that there is a middle to be interrupted in.
async fn slow_member(stack: &Stack) -> Member {
    stack.consumer().set("BATCH_RECORDS_MAX", "1000").start().await
}

#[tokio::test]
async fn a_stop_in_mid_stream_ends_well_and_the_next_member_goes_on() {
    let stack = Stack::start().await;
    let records = mixed(1, 60_000, &stack);
    stack.produce(records.clone()).await;
    let member = slow_member(&stack).await;
    stack.until_some_are_counted().await;
    assert_eq!(member.stop().await, Some(0));
    let next = slow_member(&stack).await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    assert_eq!(next.stop().await, Some(0));
}

#[tokio::test]
async fn a_kill_in_mid_stream_loses_nothing_and_counts_nothing_twice() {
    let stack = Stack::start().await;
    let records = mixed(2, 60_000, &stack);
    stack.produce(records.clone()).await;
    let member = slow_member(&stack).await;
    stack.until_some_are_counted().await;
    member.kill();
    let next = slow_member(&stack).await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    assert_eq!(next.stop().await, Some(0));
}

#[tokio::test]
async fn members_share_the_partitions_and_one_may_leave() {
    let stack = Stack::start().await;
    let records = mixed(3, 60_000, &stack);
    let (first, second) = records.split_at(30_000);
    let (one, other) = (slow_member(&stack).await, slow_member(&stack).await);
    stack.produce(first.to_vec()).await;
    stack.until_some_are_counted().await;
    assert_eq!(one.stop().await, Some(0));
    stack.produce(second.to_vec()).await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    assert_eq!(other.stop().await, Some(0));
}

#[tokio::test]
async fn members_that_come_and_go_while_all_is_quiet_make_nobody_skip_a_record() {
    let stack = Stack::start().await;
    let staying = stack.consumer().start().await;
    let mut expected = 0;
    for round in 0..3 {
        let passing = stack.consumer().start().await;
        until_it_holds_some(&passing).await;
        assert_eq!(passing.stop().await, Some(0));
        let order = |n| Message::order("acme", &format!("o{round}-{n}"), yesterday());
        // One record for each partition at most: a position that is one too far would skip exactly that.
        let one_each =
            (0..stack.partitions()).map(|n| Produced { partition: Some(n), ..Produced::plain(order(n)) });
        stack.produce(one_each).await;
        stack.until_idle().await;
        expected += i64::from(stack.partitions());
        stack.counts("acme").await.are(orders_created(expected));
    }
    assert_eq!(staying.stop().await, Some(0));
}

/// Waits until a member holds partitions.
pub async fn until_it_holds_some(member: &Member) {
    let waiting = wait::until("a member to hold partitions", HOLD_LIMIT, async || {
        let held = member.metric("consumer_partitions", "").await;
        Ok(Seen::when(held > 0.0, "it holds none"))
    });
    waiting.await.expect("a member that holds partitions");
}

#[tokio::test]
async fn a_member_that_hung_is_fenced_and_changes_nothing_when_it_wakes() {
    let stack = Stack::start().await;
    let records = mixed(4, 60_000, &stack);
    let (first, second) = records.split_at(30_000);
    let mut hanging = slow_member(&stack).await;
    stack.produce(first.to_vec()).await;
    stack.until_some_are_counted().await;
    hanging.pause();
    let other = slow_member(&stack).await;
    stack.until_idle().await;
    hanging.resume();
    stack.produce(second.to_vec()).await;
    stack.until_idle().await;
    stack.agrees_with(&records).await;
    assert_eq!(other.stop().await, Some(0));
    assert_eq!(hanging.stop().await, Some(0));
}
