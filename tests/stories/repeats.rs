//! Records that come again: within a batch, in a later one, after a restart, in another format, stamped anew.

use crate::telling::{count, counted, orders, orders_created, plain, yesterday};
use chrono::Duration;
use domain::Counters;
use load::{Format, Message, Produced};
use proto::v1::message_delivery::Status;
use tests::Stack;

#[tokio::test]
async fn a_record_repeated_in_one_batch_counts_once() {
    let twice = orders("acme", 1_000).into_iter().flat_map(|record| [record.clone(), record]);
    let stack = counted(twice).await;
    stack.counts("acme").await.are(orders_created(1_000));
}

#[tokio::test]
async fn a_record_repeated_in_a_later_batch_counts_once() {
    let stack = Stack::start().await;
    let consumer = stack.consumer().start().await;
    for _ in 0..3 {
        stack.produce(orders("acme", 500)).await;
        stack.until_idle().await;
    }
    stack.counts("acme").await.are(orders_created(500));
    assert_eq!(consumer.stop().await, Some(0));
}

#[tokio::test]
async fn a_record_repeated_after_a_restart_counts_once() {
    let stack = Stack::start().await;
    for _ in 0..2 {
        stack.produce(orders("acme", 500)).await;
        count(&stack).await;
    }
    stack.counts("acme").await.are(orders_created(500));
}

#[tokio::test]
async fn a_record_repeated_in_another_format_counts_once() {
    let formats = [Format::Plain, Format::Confluent, Format::Json];
    let sent = yesterday();
    let messages = [
        Message::order("acme", "o1", sent),
        Message::payment("acme", "p1", sent, true),
        Message::delivery("acme", "m1", sent, sent, Status::Sent),
    ];
    let records = messages
        .iter()
        .flat_map(|message| formats.into_iter().map(|format| Produced::formatted(message.clone(), format)));
    let stack = counted(records.collect::<Vec<_>>()).await;
    assert_eq!(stack.dead_letters().await, []);
    stack.counts("acme").await.are(Counters {
        orders_created: 1,
        payments_total: 1,
        payments_successful: 1,
        messages_sent: 1,
        ..Counters::default()
    });
}

#[tokio::test]
async fn a_copy_stamped_anew_within_the_quarter_counts_once_and_beyond_it_twice() {
    let quarter = yesterday();
    let copy = |minutes| Message::order("acme", "o1", quarter + Duration::minutes(minutes));
    let stack = counted(plain([copy(0), copy(14)])).await;
    stack.counts("acme").await.are(orders_created(1));
    stack.produce(plain([copy(15)])).await;
    count(&stack).await;
    stack.counts("acme").await.are(orders_created(2));
}

#[tokio::test]
async fn the_same_id_in_two_kinds_of_topics_is_two_records() {
    let sent = yesterday();
    let order = Message::order("acme", "x", sent);
    let stack = counted(plain([order, Message::delivery("acme", "x", sent, sent, Status::Sent)])).await;
    stack.counts("acme").await.are(Counters { orders_created: 1, messages_sent: 1, ..Counters::default() });
}

#[tokio::test]
async fn receipts_that_come_days_later_count_once_each() {
    let stack = Stack::start().await;
    let sent = yesterday() - Duration::days(6);
    let receipts = |status| {
        plain((0..200).map(|n| Message::delivery("acme", &format!("m{n}"), sent, yesterday(), status)))
    };
    for status in [Status::Read, Status::Delivered, Status::Sent, Status::Read] {
        stack.produce(receipts(status)).await;
        count(&stack).await;
    }
    stack.counts("acme").await.are(Counters {
        messages_sent: 200,
        messages_delivered: 200,
        ..Counters::default()
    });
}
