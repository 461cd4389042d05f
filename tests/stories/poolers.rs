//! A pooler between the binaries and PostgreSQL: one that gives a client a session of its own for as long as it is connected is
//! used like PostgreSQL itself; any other is refused in a sentence.

use crate::telling::{orders, orders_created, text, yesterday};
use chrono::Duration;
use stack::{PoolMode, Role};
use tests::{Launch, Stack, Token};
use tokio_postgres::{Client, SimpleQueryMessage};

/// Sessions of a pool that has room for all.
const ENOUGH: u16 = 60;

/// What a refusal says.
const SAID: [&str; 2] = ["DATABASE_URL", "pool_mode = session"];

/// Each way in which the binaries reach PostgreSQL.
fn launches(stack: &Stack) -> [Launch<'_>; 5] {
    let consumer = |command: &[&str]| stack.consumer().command(command);
    [
        stack.consumer(),
        consumer(&["migrate"]),
        consumer(&["progress", "show"]),
        consumer(&["audit"]),
        stack.api(),
    ]
}

/// What a session is set to.
async fn setting(client: &Client, name: &str) -> Option<String> {
    let messages = client.simple_query(&format!("show {name}")).await.expect("a setting");
    messages.iter().find_map(|message| {
        let SimpleQueryMessage::Row(row) = message else { return None };
        row.get(0).map(str::to_owned)
    })
}

#[tokio::test]
async fn records_are_counted_and_asked_for_through_a_pooler_of_sessions() {
    let stack = Stack::start().await;
    let Some(pooler) = stack.pooler(PoolMode::Session, ENOUGH).await else { return };
    for command in [&["migrate"][..], &["audit"], &["progress", "show"]] {
        let done = stack.consumer().command(command).at(pooler.address()).run().await;
        assert_eq!(done.code, Some(0), "{done:#?}");
    }
    let member = stack.consumer().at(pooler.address()).start().await;
    let api = stack.api().at(pooler.address()).serve().await;
    stack.produce(orders("acme", 100)).await;
    stack.until_idle().await;
    stack.counts("acme").await.are(orders_created(100));
    let to = yesterday() + Duration::hours(1);
    let path = format!("/metrics/summary?from={}&to={}", text(to - Duration::hours(2)), text(to));
    let answer = api.get(&path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(member.stop().await, Some(0));
}

#[tokio::test]
async fn a_pooler_of_transactions_or_statements_is_refused_in_a_sentence() {
    let stack = Stack::start().await;
    for (mode, sessions) in
        [(PoolMode::Transaction, ENOUGH), (PoolMode::Transaction, 1), (PoolMode::Statement, ENOUGH)]
    {
        let Some(pooler) = stack.pooler(mode, sessions).await else { return };
        for launch in launches(&stack) {
            let refused = launch.at(pooler.address()).run().await;
            assert!(refused.code.is_some_and(|code| code != 0), "{mode:?}: {refused:#?}");
            let last = refused.errors.lines().last().unwrap_or_default();
            assert!(SAID.iter().all(|said| last.contains(said)), "{mode:?}: {refused:#?}");
        }
        // Sessions that others will get are as they were.
        for role in [Role::Consumer, Role::Api] {
            let others = stack.database_of(role).at(pooler.address()).connect().await.expect("a session");
            assert_eq!(setting(&others, "default_transaction_read_only").await.as_deref(), Some("off"));
            assert_eq!(setting(&others, "statement_timeout").await.as_deref(), Some("0"));
        }
    }
}

#[tokio::test]
async fn a_pool_of_few_sessions_is_no_reason_to_refuse() {
    let stack = Stack::start().await;
    let Some(pooler) = stack.pooler(PoolMode::Session, 1).await else { return };
    let shown = stack.consumer().command(&["progress", "show"]).at(pooler.address()).run().await;
    assert_eq!(shown.code, Some(0), "{shown:#?}");
}
