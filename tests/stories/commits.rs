//! Connections that break in mid-COMMIT: what has happened is looked up, and every record counts once.

use crate::telling::{orders, orders_created, orders_in};
use stack::wait::{self, Seen};
use stack::{Cut, Proxy};
use std::time::{Duration, Instant};
use tests::Stack;

/// How long a batch's COMMIT may take to come by.
const COMMIT_LIMIT: Duration = Duration::from_secs(60);

/// Waits until the proxy has cut so many commits.
async fn until_cut(proxy: &Proxy, times: u64) {
    let cut = wait::until("a COMMIT to be cut", COMMIT_LIMIT, async || {
        let cuts = proxy.cuts();
        Ok(Seen::when(cuts >= times, format!("{cuts} are")))
    });
    cut.await.expect("a commit that is cut");
}

/// Waits until the proxy holds a commit.
pub async fn until_held(proxy: &Proxy) {
    let held = wait::until("a COMMIT to be held", COMMIT_LIMIT, async || {
        Ok(Seen::when(proxy.held() > 0, "none is"))
    });
    held.await.expect("a commit that is held");
}

/// Cuts commit after commit in this way, and compares the counts with what was produced.
async fn commits_cut(cut: Cut) {
    let stack = Stack::with_partitions(2).await;
    let proxy = stack.proxy();
    let member = stack.consumer().through(&proxy).start().await;
    for round in 1..=3 {
        proxy.at_next_commit(cut);
        stack.produce(orders(&format!("org{round}"), 2_000)).await;
        until_cut(&proxy, round).await;
        stack.until_idle().await;
        stack.counts(&format!("org{round}")).await.are(orders_created(2_000));
    }
    assert!(member.metric("consumer_postgresql_failures_total", "").await >= 3.0, "the member has noticed");
    assert_eq!(member.metric("consumer_partitions_fenced_total", "").await, 0.0, "nobody else claimed");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_done_again() {
    commits_cut(Cut::Before).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_not_done_again() {
    commits_cut(Cut::AfterAnswer).await;
}

#[tokio::test]
async fn a_commit_that_may_still_be_under_way_is_waited_for() {
    commits_cut(Cut::Racing).await;
}

/// A member hangs in mid-COMMIT until another has claimed its partition and counted it to its end; then its connection
/// breaks, and it wakes.
async fn taken_over_in_mid_commit(cut: Cut) {
    let stack = Stack::with_partitions(2).await;
    let proxy = stack.proxy();
    let mut hanging = stack.consumer().through(&proxy).start().await;
    proxy.hold_next_commit(cut);
    stack.produce(orders_in(0, "acme", 0..4_000)).await;
    until_held(&proxy).await;
    hanging.pause();
    let since = Instant::now();
    let other = stack.consumer().start().await;
    stack.produce(orders_in(0, "beta", 0..4_000)).await;
    stack.until_idle().await;
    let seconds = since.elapsed().as_secs_f32();
    machine::say::line(format_args!("{cut:?}: another member was done {seconds:.1} s after the first hung"));
    stack.counts("acme").await.are(orders_created(4_000));

    proxy.let_go();
    hanging.resume();
    let fenced = wait::until("the first to find that it was superseded", COMMIT_LIMIT, async || {
        let fenced = hanging.metric("consumer_partitions_fenced_total", "").await;
        Ok(Seen::when(fenced > 0.0, "it has not"))
    });
    fenced.await.expect("a member that is fenced");
    stack.produce(orders_in(0, "gamma", 0..4_000)).await;
    stack.until_idle().await;
    for organization in ["acme", "beta", "gamma"] {
        stack.counts(organization).await.are(orders_created(4_000));
    }
    assert_eq!(other.stop().await, Some(0));
    assert_eq!(hanging.stop().await, Some(0));
}

#[tokio::test]
async fn who_claims_after_a_commit_nobody_heard_of_counts_on_from_it() {
    taken_over_in_mid_commit(Cut::AfterAnswer).await;
}

/// The hanging member's transaction is open, and holds what it wrote: PostgreSQL ends it after the session's limit.
#[tokio::test]
async fn who_claims_from_a_member_that_hangs_with_its_locks_gets_through() {
    taken_over_in_mid_commit(Cut::Before).await;
}
