//! Locks that others hold: members that hang in mid-transaction, and deadlocks.

use crate::telling::{orders_created, orders_in, until_waiting_for_locks};
use tests::Stack;

#[tokio::test]
async fn a_deadlock_costs_a_batch_another_try_and_nothing_else() {
    let stack = Stack::with_partitions(1).await;
    // Only a superuser may say who is told of a deadlock.
    let Some(_) = stack.postgres().server() else { return };
    let client = stack.client().await;
    let late = format!("alter database \"{}\" set deadlock_timeout = '2s'", stack.name());
    client.batch_execute(&late).await.expect("a superuser");
    let member = stack.consumer().start().await;
    stack.produce(orders_in(0, "acme", 0..10)).await;
    stack.until_idle().await;

    // A batch locks quarters, then hours, then days. This session goes the other way, and isn't the one to be told.
    let days = "set deadlock_timeout = '1h'; begin; select 1 from org_daily_metrics for update";
    client.batch_execute(days).await.expect("a lock");
    stack.produce(orders_in(0, "acme", 10..20)).await;
    until_waiting_for_locks(&stack, 1).await;
    let quarters = "select 1 from org_quarter_hourly_metrics for update; commit";
    client.batch_execute(quarters).await.expect("the member is told, not this session");

    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(20));
    assert!(member.log_tail().contains("deadlock"), "{}", member.log_tail());
    assert!(member.metric("consumer_postgresql_failures_total", "").await >= 1.0);
    assert_eq!(member.metric("consumer_partitions_fenced_total", "").await, 0.0);
    assert_eq!(member.stop().await, Some(0));
}
