//! When the query API says that it is ready: from when it saw the schema until it is asked to end, whatever PostgreSQL does in
//! between.

use crate::telling::{count, orders, text, yesterday};
use chrono::Duration;
use serde_json::json;
use stack::Service;
use stack::wait::{self, Seen};
use std::time::Duration as StdDuration;
use tests::{Answer, Api, Stack, Token};

/// How long it may take until the API tells that PostgreSQL went away, or came back.
const TOLD_LIMIT: StdDuration = StdDuration::from_secs(20);

async fn ask(api: &Api) -> Answer {
    let (from, to) = (yesterday() - Duration::hours(1), yesterday() + Duration::hours(1));
    let path = format!("/metrics/summary?from={}&to={}", text(from), text(to));
    api.get(&path, &Token::of("acme").sign()).await
}

/// Waits until the API says whether PostgreSQL is up. It must be ready all the time.
async fn until_told(api: &Api, up: bool) -> Answer {
    let told = wait::until("what is told of PostgreSQL", TOLD_LIMIT, async || {
        let ready = api.admin("/readyz").await;
        assert_eq!(ready.status, 200, "{}", ready.body);
        let warned = ready.json()["warnings"]["postgresql"].is_string();
        let metric = api.metric("query_api_postgresql_up", "").await;
        let agree = warned != up && metric == f64::from(u8::from(up));
        Ok(if agree { Seen::Ready(ready) } else { Seen::NotYet(format!("{metric}: {}", ready.body)) })
    });
    told.await.expect("an API that tells")
}

#[tokio::test]
async fn an_api_that_saw_the_schema_stays_ready_while_postgres_is_away() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    stack.produce(orders("acme", 5)).await;
    count(&stack).await;
    let brief = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "1").set("LOCAL_CACHE_TTL", "1s");
    let mut api = brief.serve().await;
    api.until_ready().await;
    let ready = until_told(&api, true).await.json();
    assert_eq!(ready["conditions"]["schema"], "ok");
    assert_eq!(ready["conditions"]["postgresql"], "ok");
    assert_eq!(ask(&api).await.status, 200);

    server.stop();
    let away = until_told(&api, false).await;
    assert!(!away.body.contains("127.0.0.1"), "nothing internal: {}", away.body);
    let stale = ask(&api).await;
    assert_eq!((stale.status, stale.json()["kpis"][0]["value"].clone()), (200, json!(5)));
    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    until_told(&api, true).await;
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn an_api_that_starts_without_postgres_or_its_schema_is_not_ready_until_it_has_both() {
    let stack = Stack::with_own(Service::Postgres).await;
    let Some(server) = stack.postgres().server() else { return };
    server.stop();
    let mut api = stack.api().serve().await;
    api.until_not_ready().await;
    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    api.until_ready().await;
    let empty = stack.postgres().create_database("without_a_schema").await.expect("a database");
    let mut other = stack.api().set("DATABASE_URL", empty.as_str()).serve().await;
    other.until_not_ready().await;
    let said = wait::until("the lack of a schema to be told", TOLD_LIMIT, async || {
        let body = other.admin("/readyz").await.body;
        Ok(Seen::when(body.contains("consumer migrate"), body))
    });
    said.await.expect("a sentence");
    let migrated = stack.consumer().set("DATABASE_URL", empty.as_str()).command(&["migrate"]).run().await;
    assert_eq!(migrated.code, Some(0), "{migrated:#?}");
    other.until_ready().await;
    assert_eq!((api.stop().await, other.stop().await), (Some(0), Some(0)));
}

#[tokio::test]
async fn an_api_asked_to_end_says_so_first_and_answers_new_connections_meanwhile() {
    let stack = Stack::start().await;
    let mut api = stack.api().set("SHUTDOWN_DELAY", "1h").serve().await;
    api.until_ready().await;
    api.terminate();
    api.until_not_ready().await;
    assert!(api.admin("/readyz").await.json()["conditions"]["process"].is_string());
    assert_eq!(ask(&api).await.status, 200, "a client that was not told yet");
    // Asked again, it waits no longer.
    assert_eq!(api.stop().await, Some(0));

    let mut brief = stack.api().set("SHUTDOWN_DELAY", "100ms").serve().await;
    brief.until_ready().await;
    assert_eq!(brief.stop().await, Some(0));
    let mut by_hand = stack.api().set("SHUTDOWN_DELAY", "1h").serve().await;
    by_hand.until_ready().await;
    assert_eq!(by_hand.interrupt().await, Some(0), "nobody has to notice");
}
