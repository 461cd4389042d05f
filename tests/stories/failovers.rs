//! PostgreSQL goes back in time under running members: counters, ledger and progress go back together, so the records are
//! read again from Kafka and count once.

use chrono::Utc;
use load::{Load, Produced};
use tests::Stack;

/// Two halves of a load with everything in it.
fn halves(seed: u64, stack: &Stack) -> [Vec<Produced>; 2] {
    let load = Load { records: 40_000, partitions: stack.partitions(), ..Load::mixed(seed, Utc::now()) };
    let mut first: Vec<Produced> = load.records().collect();
    let second = first.split_off(20_000);
    [first, second]
}

/// How many offsets are counted.
async fn counted(stack: &Stack) -> i64 {
    let sum = "select coalesce(sum(next_offset), 0)::bigint from consumer_progress";
    stack.client().await.query_one(sum, &[]).await.expect("the progress can be read").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_lacks_the_last_commits_has_them_counted_again() {
    let Some(stack) = Stack::with_pair().await else { return };
    let [first, second] = halves(61, &stack);
    let (one, other) = (stack.consumer().start().await, stack.consumer().start().await);
    stack.produce(first.clone()).await;
    stack.until_idle().await;
    stack.pair().cut_standby_off().await.expect("the standby follows no longer");
    stack.produce(second.clone()).await;
    stack.until_idle().await;
    one.stop().await;
    let before = counted(&stack).await;

    stack.pair().fail_over().await.expect("the standby is promoted");
    // The member that is left was fenced by no other: by what the new primary says alone.
    stack.until_idle().await;
    assert!(other.metric("consumer_partitions_fenced_total", "").await > 0.0, "no commit was lost");
    assert_eq!(counted(&stack).await, before);
    stack.agrees_with(first.iter().chain(&second)).await;
    assert_eq!(other.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_restored_under_running_members_has_what_it_lacks_counted_again() {
    let Some(stack) = Stack::with_pair().await else { return };
    let [first, second] = halves(62, &stack);
    let (one, other) = (stack.consumer().start().await, stack.consumer().start().await);
    stack.produce(first.clone()).await;
    stack.until_idle().await;
    stack.pair().back_up().await.expect("a backup");
    stack.produce(second.clone()).await;
    stack.until_idle().await;

    stack.pair().restore().await.expect("the backup is restored");
    stack.until_idle().await;
    stack.agrees_with(first.iter().chain(&second)).await;
    assert_eq!((one.stop().await, other.stop().await), (Some(0), Some(0)));
}
