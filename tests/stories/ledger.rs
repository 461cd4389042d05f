//! The ledger at rest: segments merged, memory that holds next to nothing, topics nobody reads any more.

use crate::telling::{counted, orders, orders_created, plain, until_waiting_for_locks, yesterday};
use load::{Message, Produced};
use stack::wait::{self, Seen};
use std::time::Duration;
use tests::Stack;

/// More batches than a page may have segments before it is merged.
const BATCHES: usize = 12;
const BATCH: usize = 10;

/// Together with the batches': as many as make a tail long.
const MANY_ROWS: usize = 500;
/// Of other fingerprints, in the page that the records are in.
const MANY_ROWS_MORE: &str = "
insert into ledger_tails
select t.topic, t.kafka_partition, -n, t.layout, t.newest, t.quarters, array[1], int8send(n),
       array[0], array[0], array[0], array[0], array[0], array[0], array[0], array[0]
from generate_series(1::bigint, 500) n, (select * from ledger_tails limit 1) t";
/// All records are of one quarter, so each row is of one page.
const TAILS_TO_SEGMENTS: &str = "
insert into ledger_segments
select topic, kafka_partition, quarters[1], until, layout, fingerprints, orders_created[1], payments_total[1],
       payments_successful[1], workflows_total[1], workflows_failed[1], total_execution_time_ms[1], messages_sent[1],
       messages_delivered[1] from ledger_tails;
delete from ledger_tails";

/// How long a merge is waited for; the first begins when the member does.
const LIMIT: Duration = Duration::from_secs(60);

/// The most segments any page has, and how many fingerprints there are in all.
async fn ledger(stack: &Stack) -> (i64, i64) {
    let pages = "select coalesce(max(segments), 0)::bigint, coalesce(sum(fingerprints), 0)::bigint from (
                     select count(*) as segments, sum(octet_length(fingerprints)) / 8 as fingerprints
                     from ledger_segments group by topic, kafka_partition, quarter) as pages";
    let row = stack.client().await.query_one(pages, &[]).await.expect("a ledger that can be read");
    (row.get(0), row.get(1))
}

/// Counts records in small batches, each a row of the partition's tail.
async fn counted_in_small_batches(stack: &Stack, records: &[Produced]) {
    let member = stack.consumer().start().await;
    for batch in records.chunks(BATCH) {
        stack.produce(batch.to_vec()).await;
        stack.until_idle().await;
    }
    assert_eq!(member.stop().await, Some(0));
}

async fn rows_of_tails(stack: &Stack) -> i64 {
    let rows = stack.client().await.query_one("select count(*) from ledger_tails", &[]).await;
    rows.expect("tails that can be read").get(0)
}

#[tokio::test]
async fn what_small_batches_added_is_known_to_who_comes_next() {
    let stack = Stack::with_partitions(1).await;
    let records = orders("acme", BATCHES * BATCH);
    counted_in_small_batches(&stack, &records).await;
    assert_eq!((ledger(&stack).await.0, rows_of_tails(&stack).await), (0, BATCHES as i64));
    let next = stack.consumer().start().await;
    stack.produce(records).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(120));
    assert_eq!(next.stop().await, Some(0));
}

#[tokio::test]
async fn a_tail_that_has_grown_long_is_filed_and_still_knows_what_it_counted() {
    let stack = Stack::with_partitions(1).await;
    let records = orders("acme", BATCHES * BATCH);
    counted_in_small_batches(&stack, &records).await;
    stack.client().await.batch_execute(MANY_ROWS_MORE).await.expect("rows");

    let member = stack.consumer().start().await;
    stack.produce(orders("beta", BATCH)).await;
    stack.until_idle().await;
    let all = (BATCHES * BATCH + MANY_ROWS + BATCH) as i64;
    assert_eq!((ledger(&stack).await, rows_of_tails(&stack).await), ((1, all), 0));
    stack.produce(records).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(120));
    stack.counts("beta").await.are(orders_created(10));
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_quiet_page_is_merged_and_still_knows_what_it_counted() {
    let stack = Stack::with_partitions(1).await;
    let records = orders("acme", BATCHES * BATCH);
    counted_in_small_batches(&stack, &records).await;
    // As larger batches would have left it: a segment each.
    stack.client().await.batch_execute(TAILS_TO_SEGMENTS).await.expect("segments");
    let (segments, fingerprints) = ledger(&stack).await;
    assert!(segments >= 8, "{segments} segments are too few to be merged");

    let next = stack.consumer().start().await;
    let merged = wait::until("the page to be merged", LIMIT, async || {
        let (segments, _) = ledger(&stack).await;
        Ok(Seen::when(segments == 1, format!("it has {segments} segments")))
    });
    merged.await.unwrap();
    assert_eq!(ledger(&stack).await, (1, fingerprints));
    assert_eq!(next.stop().await, Some(0));

    let last = stack.consumer().start().await;
    stack.produce(records).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(120));
    assert_eq!(last.stop().await, Some(0));
}

#[tokio::test]
async fn records_in_flight_when_the_floor_rises_past_them_are_refused_and_not_counted() {
    let stack = Stack::with_partitions(1).await;
    let member = stack.consumer().start().await;
    stack.produce(orders("acme", 10)).await;
    stack.until_idle().await;

    // The next batch is read under the floor there is, and then waits to look into the ledger.
    let client = stack.client().await;
    client.batch_execute("begin; lock table ledger_segments in access exclusive mode").await.expect("a lock");
    let old = |n| Message::order("acme", &format!("old{n}"), yesterday() - chrono::Duration::days(15));
    stack.produce(plain((0..10).map(old))).await;
    stack.produce(orders("beta", 10)).await;
    until_waiting_for_locks(&stack, 1).await;
    let rise = "update ledger_floor set floor = now() - interval '5 days'; commit";
    client.batch_execute(rise).await.expect("a floor");

    stack.until_idle().await;
    assert!(member.log_tail().contains("floor moved past records in flight"), "{}", member.log_tail());
    stack.counts("acme").await.are(orders_created(10));
    stack.counts("beta").await.are(orders_created(10));
    let letters = stack.dead_letters().await;
    assert!(letters.len() == 10 && letters.iter().all(|letter| letter.reason == "too_old"), "{letters:#?}");
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn the_progress_of_a_topic_that_is_read_no_more_is_removed_after_a_day() {
    let stack = counted(orders("acme", 10)).await;
    let client = stack.client().await;
    let retire = "insert into consumer_progress (topic, kafka_partition, next_offset, updated_at)
                  values ('retired yesterday', 0, 5, now() - interval '25 hours'),
                         ('read by others', 0, 5, now() - interval '23 hours')";
    client.execute(retire, &[]).await.unwrap();
    let member = stack.consumer().start().await;
    let others = "select topic from consumer_progress where topic in ('retired yesterday', 'read by others')";
    let removed = wait::until("the retired topic to be removed", LIMIT, async || {
        let left: Vec<String> = client.query(others, &[]).await?.iter().map(|row| row.get(0)).collect();
        Ok(Seen::when(left == ["read by others"], format!("{left:?} are left")))
    });
    removed.await.unwrap();
    assert_eq!(member.stop().await, Some(0));
    stack.counts("acme").await.are(orders_created(10));
}
