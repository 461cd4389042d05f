//! Connections that break in mid-COMMIT: what has happened is looked up, and every record counts once.

use crate::telling::{orders, orders_created};
use std::time::Duration;
use tests::Stack;
use xtask::services::{Cut, Proxy};
use xtask::wait::{self, Seen};

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

/// Cuts commit after commit in this way, and compares the counts with what was produced.
async fn commits_cut(cut: Cut) {
    let stack = Stack::with_partitions(2).await;
    let proxy = stack.proxy();
    let member = stack.consumer().through(&proxy).set("BATCH_RECORDS_MAX", "500").start().await;
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
