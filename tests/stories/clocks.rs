//! Members whose clocks are wrong: the database's decides, and who is off says so and promises nothing.

use crate::readiness::says;
use crate::telling::{orders_created, plain, until_counted};
use chrono::{DateTime, Duration, Utc};
use load::{Message, Produced};
use stack::wait::{self, Seen};
use std::time::Duration as StdDuration;
use tests::Stack;

/// How long a promise may take.
const PROMISE_LIMIT: StdDuration = StdDuration::from_secs(60);

/// Orders of now, of half an hour from now, and of one and a half hours from now: the last one comes from the future.
fn orders_around_now() -> Vec<Produced> {
    let order = |(n, minutes)| Message::order("acme", n, Utc::now() + Duration::minutes(minutes));
    plain([("o1", 0), ("o2", 30), ("o3", 90)].map(order))
}

/// Through when all partitions are said to be complete, and the database's time.
async fn promised(stack: &Stack) -> (Option<DateTime<Utc>>, DateTime<Utc>) {
    let query = "select case when count(*) = count(complete_through) then min(complete_through) end,
                        max(complete_through), clock_timestamp() from consumer_progress";
    let row = stack.client().await.query_one(query, &[]).await.expect("a row");
    let (all, latest, now): (_, Option<DateTime<Utc>>, DateTime<Utc>) = (row.get(0), row.get(1), row.get(2));
    assert!(latest.is_none_or(|latest| latest <= now), "{latest:?} is promised at {now}");
    (all, now)
}

/// Counts by a member whose clock is off; nobody's records but the future's are refused.
async fn off(seconds: i64, said: &str) {
    let stack = Stack::start().await;
    let member = stack.consumer().with_clock_off(seconds).start().await;
    stack.produce(orders_around_now()).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(2));
    let letters = stack.dead_letters().await;
    let reasons: Vec<&str> = letters.iter().map(|letter| &*letter.reason).collect();
    assert_eq!(reasons, ["from_the_future"]);
    says(&member, &["this machine's clock is", said, "NTP"]).await;
    assert!(member.metric("consumer_clock_skew_seconds", "").await.abs() > 3_500.0);
    assert!(member.log_tail().contains(said), "{}", member.log_tail());
    assert_eq!(promised(&stack).await.0, None, "whoever is off promises nothing");
    assert_eq!(member.stop().await, Some(0));

    // Who may be off that far promises, by the database's clock.
    let mut member = stack.consumer().with_clock_off(seconds).set("CLOCK_SKEW_MAX", "5h").start().await;
    member.until_ready().await;
    let (_, before) = promised(&stack).await;
    let promise = wait::until("all partitions to be complete", PROMISE_LIMIT, async || {
        let (all, now) = promised(&stack).await;
        Ok(Seen::when(all.is_some_and(|all| all > before), format!("{all:?} at {now}")))
    });
    promise.await.expect("a promise");
    stack.produce(plain([Message::order("acme", "o4", Utc::now())])).await;
    until_counted(&stack, "acme", "orders_created", 3).await;
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_member_an_hour_fast_promises_nothing_too_early_and_accepts_no_more_than_others() {
    off(3_600, "ahead of").await;
}

#[tokio::test]
async fn a_member_hours_slow_refuses_no_record_of_now() {
    off(-10_800, "behind").await;
}
