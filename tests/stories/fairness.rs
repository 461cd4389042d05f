//! What one organization sends slows no other beyond its share, and many organizations take no more memory than few.

use crate::telling::{orders, orders_created, orders_in, so_far, until_counted, yesterday};
use bench::{Message, Produced};
use tests::Stack;

/// What waits in one partition.
const BACKLOG: usize = 400_000;

/// Distinct organizations; a build without optimizations of its own takes some seconds for each hundred thousand.
const ORGANIZATIONS: usize = 200_000;

/// What a member may take beside its ledger's pages, in bytes: what the operators are told to plan.
const MEMORY_BESIDE_MAX: u64 = 512 << 20;

/// The ledger's budget in this story, in MiB.
const LEDGER_MB: u64 = 64;

#[tokio::test]
async fn a_backlog_in_one_partition_holds_up_no_other() {
    let stack = Stack::with_partitions(4).await;
    stack.produce(orders_in(0, "loud", 0..BACKLOG)).await;
    let member = stack.consumer().set("BATCH_RECORDS_MAX", "5000").start().await;
    until_counted(&stack, "loud", "orders_created", 1).await;
    for partition in 1..4 {
        stack.produce(orders_in(partition, &format!("quiet{partition}"), 0..7_000)).await;
    }
    for partition in 1..4 {
        until_counted(&stack, &format!("quiet{partition}"), "orders_created", 7_000).await;
    }
    let loud = so_far(&stack, "loud", "orders_created").await;
    xtask::say::line(format_args!("the quiet were counted when {loud} of {BACKLOG} of the loud one's were"));
    assert!(loud < BACKLOG as i64, "the backlog was counted first");
    stack.until_idle().await;
    stack.counts("loud").await.are(orders_created(BACKLOG as i64));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn very_many_organizations_in_an_hour_are_exact_within_the_memory_that_is_planned() {
    let stack = Stack::start().await;
    let record = |n| Produced::plain(Message::order(&format!("org{n:07}"), "o1", yesterday()));
    let records: Vec<Produced> = (0..ORGANIZATIONS).map(record).collect();
    stack.produce(records.iter().cloned()).await;
    stack.produce(orders("acme", 1)).await;
    let member = stack.consumer().set("LEDGER_MEMORY_MB", LEDGER_MB.to_string()).start().await;
    stack.until_idle().await;
    let peak = member.peak_memory();
    xtask::say::line(format_args!(
        "{ORGANIZATIONS} organizations: the member took {} MiB at most",
        peak >> 20
    ));
    assert!(peak < (LEDGER_MB << 20) + MEMORY_BESIDE_MAX, "{peak} bytes");
    stack.agrees_with(records.iter().chain(&orders("acme", 1))).await;
    assert_eq!(member.stop().await, Some(0));
}
