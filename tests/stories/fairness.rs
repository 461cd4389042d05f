//! What one organization sends slows no other beyond its share, and many organizations take no more memory than few.

use crate::telling::{orders, orders_created, orders_in, so_far, until_counted, yesterday};
use load::{Message, Produced};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;

/// What waits in one partition.
const BACKLOG: usize = 800_000;

/// What comes into each of three others.
const QUIET: usize = 7_000;

/// How long it may take until those are counted.
const QUIET_LIMIT: Duration = Duration::from_secs(60);

/// Distinct organizations.
const ORGANIZATIONS: usize = 200_000;

/// What a member may take beside its ledger's pages, in bytes: what the operators are told to plan.
const MEMORY_BESIDE_MAX: u64 = 512 << 20;

/// The ledger's budget in this story, in MiB.
const LEDGER_MB: u64 = 64;

#[tokio::test]
async fn a_backlog_in_one_partition_holds_up_no_other() {
    let stack = Stack::with_partitions(4).await;
    let proxy = stack.proxy();
    stack.produce(orders_in(0, "loud", 0..BACKLOG)).await;
    let member = stack.consumer().through(&proxy).set("BATCH_RECORDS_MAX", "5000").start().await;
    until_counted(&stack, "loud", "orders_created", 1).await;
    // Nothing is counted while the others come, so that all of the backlog's rest is before them.
    proxy.pause();
    for partition in 1..4 {
        stack
            .produce(orders_in(
                partition,
                "quiet",
                QUIET * partition as usize..QUIET * (partition as usize + 1),
            ))
            .await;
    }
    let before = so_far(&stack, "loud", "orders_created").await;
    proxy.resume();
    let loud = until_the_quiet_are_counted(&stack).await;
    machine::say::line(format_args!(
        "of {BACKLOG} records of one organization {before} were counted when the others' came, {loud} when theirs were"
    ));
    assert!(loud < BACKLOG as i64, "the backlog was counted first");
    stack.until_idle().await;
    stack.counts("loud").await.are(orders_created(BACKLOG as i64));
    stack.counts("quiet").await.are(orders_created(3 * QUIET as i64));
    assert_eq!(member.stop().await, Some(0));
}

/// Waits until the quiet organization's records are counted; how many of the loud one's are in the same instant.
async fn until_the_quiet_are_counted(stack: &Stack) -> i64 {
    let client = stack.client().await;
    let sums = "select coalesce(sum(orders_created) filter (where organization_id = 'quiet'), 0)::bigint,
                       coalesce(sum(orders_created) filter (where organization_id = 'loud'), 0)::bigint
                from org_daily_metrics";
    let counted = wait::until("the quiet to be counted", QUIET_LIMIT, async || {
        let row = client.query_one(sums, &[]).await?;
        let (quiet, loud): (i64, i64) = (row.get(0), row.get(1));
        Ok(if quiet == 3 * QUIET as i64 {
            Seen::Ready(loud)
        } else {
            Seen::NotYet(format!("{quiet} are, and {loud} of the loud"))
        })
    });
    counted.await.expect("quiet organizations that are counted")
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
    machine::say::line(format_args!(
        "{ORGANIZATIONS} organizations: the member took {} MiB at most",
        peak >> 20
    ));
    assert!(peak < (LEDGER_MB << 20) + MEMORY_BESIDE_MAX, "{peak} bytes");
    stack.agrees_with(records.iter().chain(&orders("acme", 1))).await;
    assert_eq!(member.stop().await, Some(0));
}
