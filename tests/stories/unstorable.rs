//! Records that PostgreSQL refuses: they become dead letters, or stop their partition, and nothing else waits for them.

use crate::operators::answer;
use crate::telling::{count, orders_created, orders_in, until_counted, yesterday};
use domain::BucketSize;
use load::{Message, Produced};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;

/// How long a member may take to have tried so often that its pauses have grown.
const LIMIT: Duration = Duration::from_secs(60);

/// An order of the organization whose counter is at its end, in partition 0.
fn full(id: &str) -> Produced {
    Produced { partition: Some(0), ..Produced::plain(Message::order("full", id, yesterday())) }
}

#[tokio::test]
async fn records_that_postgres_refuses_become_dead_letters_and_all_others_count() {
    let stack = Stack::with_partitions(2).await;
    let client = stack.client().await;
    let day = BucketSize::Day.floor(yesterday());
    let at_its_end = "insert into org_daily_metrics (organization_id, day_bucket, orders_created)
                      values ('full', $1, 9223372036854775807)";
    client.execute(at_its_end, &[&day]).await.expect("a row");
    let mut records = orders_in(0, "acme", 0..200);
    for (place, id) in [(0, "first"), (90, "twice"), (91, "twice"), (202, "last")] {
        records.insert(place, full(id));
    }
    records.extend(orders_in(1, "beta", 0..200));
    stack.produce(records).await;
    let member = stack.consumer().start().await;
    stack.until_idle().await;

    stack.counts("acme").await.are(orders_created(200));
    stack.counts("beta").await.are(orders_created(200));
    let letters = stack.dead_letters().await;
    let found: Vec<_> =
        letters.iter().map(|letter| (letter.partition, letter.offset, &*letter.reason)).collect();
    assert_eq!(found, [0, 90, 91, 202].map(|offset| (0, offset, "unstorable")), "{letters:#?}");
    for letter in &letters {
        assert!(letter.detail.contains("bigint out of range"), "{letter:#?}");
        assert_eq!(letter.organization.as_deref(), Some("full"));
    }
    assert_eq!(member.metric("consumer_dead_letters_total", "reason=\"unstorable\"").await, 4.0);
    assert_eq!(member.metric("consumer_partitions_fenced_total", "").await, 0.0);
    // The member reads on as before.
    stack.produce(orders_in(0, "acme", 200..300)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(300));
    assert_eq!(member.stop().await, Some(0));

    // None of them is in the ledger, so they count once there is room.
    client
        .execute("update org_daily_metrics set orders_created = 0 where organization_id = 'full'", &[])
        .await
        .unwrap();
    assert_eq!(answer(&stack, &["dead-letters", "redrive", "--reason", "unstorable"]).await, "4 redriven\n");
    count(&stack).await;
    stack.counts("full").await.are(orders_created(3));
    assert_eq!(stack.dead_letters().await.len(), 4);
}

#[tokio::test]
async fn a_partition_whose_dead_letters_postgres_refuses_as_well_stops_and_the_others_go_on() {
    let stack = Stack::with_partitions(2).await;
    let client = stack.client().await;
    // Whatever is written, this partition doesn't get past its eighth record.
    let limit = "alter table consumer_progress add check (kafka_partition <> 0 or next_offset is null or next_offset < 8)";
    client.batch_execute(limit).await.expect("a limit");
    stack.produce(orders_in(0, "acme", 0..20).into_iter().chain(orders_in(1, "beta", 0..20))).await;
    let mut member = stack.consumer().start().await;
    until_counted(&stack, "beta", "orders_created", 20).await;
    until_counted(&stack, "acme", "orders_created", 7).await;
    member.until_not_ready().await;
    let stopped = wait::until("the partition to stop", LIMIT, async || {
        let ready = member.admin("/readyz").await.body;
        Ok(Seen::when(ready.contains("stopped") && ready.contains("violates check constraint"), ready))
    });
    stopped.await.unwrap();
    stack.produce(orders_in(1, "beta", 20..40)).await;
    until_counted(&stack, "beta", "orders_created", 40).await;
    stack.counts("acme").await.are(orders_created(7));
    assert!(stack.dead_letters().await.is_empty());
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_batch_that_fails_for_another_reason_is_tried_again_after_pauses_that_grow() {
    let stack = Stack::with_partitions(1).await;
    let client = stack.client().await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$;
                  create trigger refuse before insert on org_daily_metrics for each row execute function refuse()";
    client.batch_execute(refuse).await.expect("a trigger");
    stack.produce(orders_in(0, "acme", 0..10)).await;
    let member = stack.consumer().start().await;
    let paused = wait::until("pauses of two seconds", LIMIT, async || {
        let log = member.log_tail();
        let line = log.lines().rfind(|line| line.contains("not now")).unwrap_or_default().to_owned();
        Ok(Seen::when(line.contains("\"again_in\":\"2s\""), line))
    });
    paused.await.unwrap();
    client.batch_execute("drop trigger refuse on org_daily_metrics").await.expect("no trigger");
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(10));
    assert!(stack.dead_letters().await.is_empty());
    assert_eq!(member.stop().await, Some(0));
}
