//! Which record is which: the kind is part of an identity, and an event's body part of its kind.

use crate::operators::answer;
use crate::recount::EQUAL;
use crate::telling::{count, counted, orders_created, plain, yesterday};
use chrono::Duration;
use domain::Counters;
use load::{Format, Message, Produced};
use tests::Stack;

/// An order, its payment, and an update, all of one id.
fn of_one_id(id: &str) -> [Message; 3] {
    let at = yesterday();
    [
        Message::order("acme", id, at),
        Message::payment("acme", id, at + Duration::minutes(1), true),
        Message::update("acme", id, at, "Acme", ("pro", "Pro")),
    ]
}

const ALL: Counters = Counters {
    orders_created: 1,
    payments_total: 1,
    payments_successful: 1,
    workflows_total: 0,
    workflows_failed: 0,
    total_execution_time_ms: 0,
    messages_sent: 0,
    messages_delivered: 0,
};

#[tokio::test]
async fn an_order_and_its_payment_may_have_the_same_id() {
    let stack = counted(plain(of_one_id("o1"))).await;
    stack.counts("acme").await.are(ALL);
    let name = stack.client().await.query_one("select name from organizations", &[]).await.expect("a row");
    assert_eq!(name.get::<_, &str>(0), "Acme");
    // Copies of each, in another order and another format, in a later batch and after a restart.
    let copies = of_one_id("o1").into_iter().rev();
    let formats = [Format::Json, Format::Confluent, Format::Plain];
    stack.produce(copies.zip(formats).map(|(message, format)| Produced::formatted(message, format))).await;
    count(&stack).await;
    stack.counts("acme").await.are(ALL);
    assert_eq!(stack.dead_letters().await, []);
    assert!(answer(&stack, &["audit"]).await.contains("the books agree"));
    assert!(answer(&stack, &["recount"]).await.contains(EQUAL));
}

#[tokio::test]
async fn a_payment_that_comes_long_before_its_order_takes_nothing_from_it() {
    let stack = Stack::start().await;
    let [order, payment, _] = of_one_id("o1");
    for message in [payment, order] {
        stack.produce(plain([message])).await;
        count(&stack).await;
    }
    stack.counts("acme").await.are(ALL);
}

#[tokio::test]
async fn the_same_id_in_another_organization_or_quarter_is_another_record() {
    let at = yesterday();
    let messages = [
        Message::order("acme", "o1", at),
        Message::order("globex", "o1", at),
        Message::order("acme", "o1", at + Duration::minutes(15)),
    ];
    let stack = counted(plain(messages)).await;
    stack.counts("acme").await.are(orders_created(2));
    stack.counts("globex").await.are(orders_created(1));
}
