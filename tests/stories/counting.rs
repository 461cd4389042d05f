//! What is counted: every rule of the contract, once.

use crate::telling::{counted, plain, yesterday};
use chrono::Duration;
use domain::{BucketSize, Counters};
use load::Message;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use tests::Stack;

#[tokio::test]
async fn an_order_adds_one_order() {
    let stack = counted(plain([Message::order("acme", "o1", yesterday())])).await;
    stack.counts("acme").await.are(Counters { orders_created: 1, ..Counters::default() });
}

#[tokio::test]
async fn a_payment_adds_one_and_a_successful_one_adds_a_success() {
    let payment = |id, successful| Message::payment("acme", id, yesterday(), successful);
    let stack = counted(plain([payment("p1", true), payment("p2", false), payment("p3", true)])).await;
    stack.counts("acme").await.are(Counters {
        payments_total: 3,
        payments_successful: 2,
        ..Counters::default()
    });
}

#[tokio::test]
async fn a_workflow_adds_its_time_and_a_failure_unless_it_succeeded() {
    let run = |id, outcome| Message::workflow("acme", id, yesterday(), outcome, 250);
    let runs =
        [run("w1", Outcome::Success), run("w2", Outcome::Failed), run("w3", Outcome::FailedSafetyLimit)];
    let stack = counted(plain(runs)).await;
    stack.counts("acme").await.are(Counters {
        workflows_total: 3,
        workflows_failed: 2,
        total_execution_time_ms: 750,
        ..Counters::default()
    });
}

#[tokio::test]
async fn a_message_is_sent_once_and_delivered_once_whatever_comes_first() {
    let sent = yesterday();
    let receipt = |id, status| Message::delivery("acme", id, sent, sent + Duration::seconds(5), status);
    let stack = counted(plain([
        receipt("m1", Status::Read),
        receipt("m1", Status::Delivered),
        receipt("m1", Status::Sent),
        receipt("m2", Status::Delivered),
        receipt("m3", Status::Sent),
        receipt("m3", Status::Failed),
        receipt("m4", Status::Failed),
    ]))
    .await;
    stack.counts("acme").await.are(Counters {
        messages_sent: 2,
        messages_delivered: 2,
        ..Counters::default()
    });
}

#[tokio::test]
async fn a_delivery_counts_in_the_bucket_its_message_was_sent_in() {
    let sent = yesterday();
    let receipt = Message::delivery("acme", "m1", sent, sent + Duration::hours(5), Status::Delivered);
    let stack = counted(plain([receipt])).await;
    let delivered = Counters { messages_delivered: 1, ..Counters::default() };
    for size in BucketSize::ALL {
        assert_eq!(stack.bucket("acme", size, size.floor(sent)).await, delivered, "{size:?}");
    }
}

#[tokio::test]
async fn a_late_record_counts_in_its_own_day() {
    let (late, today) = (yesterday() - Duration::days(20), yesterday());
    let records = [Message::order("acme", "today", today), Message::order("acme", "late", late)];
    let stack = counted(plain(records)).await;
    for time in [late, today] {
        let day = stack.bucket("acme", BucketSize::Day, BucketSize::Day.floor(time)).await;
        assert_eq!(day.orders_created, 1, "{time}");
    }
}

#[tokio::test]
async fn the_newest_update_of_an_organization_wins_and_ties_go_to_the_greater_id() {
    let (old, new) = (yesterday(), yesterday() + Duration::nanoseconds(1));
    let update = |id, at, name| Message::update("acme", id, at, name, ("plan_pro", "pro"));
    let updates =
        [update("u1", new, "Newest"), update("u9", new, "Newest, greater id"), update("u5", old, "Old")];
    let stack = counted(plain(updates)).await;
    let row = stack.client().await.query_one("select name, plan_id, plan_name from organizations", &[]).await;
    let row = row.expect("one organization");
    let found: (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
    assert_eq!(found, ("Newest, greater id", "plan_pro", "pro"));
    stack.counts("acme").await.are(Counters::default());
}

#[tokio::test]
async fn a_body_that_is_not_known_yet_counts_nothing_and_is_no_error() {
    let stack = counted(plain([Message::unknown("acme", "e1", yesterday())])).await;
    stack.counts("acme").await.are(Counters::default());
    assert_eq!(stack.dead_letters().await, []);
}

#[tokio::test]
async fn organizations_are_counted_apart() {
    // Ids that would run together if keys were joined by a separator.
    let order = |organization, id| Message::order(organization, id, yesterday());
    let stack =
        counted(plain([order("a", "b:c"), order("a:b", "c"), order("a", "x"), order("A", "x")])).await;
    for (organization, expected) in [("a", 2), ("a:b", 1), ("A", 1)] {
        assert_eq!(stack.counts(organization).await.sums().orders_created, expected, "{organization}");
    }
}

#[tokio::test]
async fn a_batch_of_more_organizations_than_are_sent_at_once_counts_each() {
    let order = |n: u32| Message::order(&format!("org{n}"), &format!("o{n}"), yesterday());
    let records = plain((0..90_000).map(order));
    let stack = Stack::start().await;
    stack.produce(records.clone()).await;
    let member = stack.consumer().set("BATCH_AGE_MAX", "5s").start().await;
    stack.until_idle().await;
    let batches = member.metric("consumer_batch_records_count", "").await;
    assert!((1.0..=3.0).contains(&batches), "{batches} batches: none of them had that many");
    assert_eq!(member.stop().await, Some(0));
    stack.agrees_with(&records).await;
}

#[tokio::test]
async fn failed_runs_are_listed_with_what_went_wrong() {
    let run = |id, outcome| Message::workflow("acme", id, yesterday(), outcome, 250);
    let stack = counted(plain([run("w1", Outcome::Success), run("w2", Outcome::FailedSafetyLimit)])).await;
    let rows = stack
        .client()
        .await
        .query("select execution_id, outcome, error_message from workflow_failures", &[])
        .await;
    let rows: Vec<(String, String, String)> =
        rows.expect("a table").iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let expected = ("w2".into(), "FAILED_SAFETY_LIMIT".into(), "stopped after 1,000 steps".into());
    assert_eq!(rows, [expected]);
}
