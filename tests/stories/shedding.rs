//! PostgreSQL slow or away: what was known is given and said to be stale, and nothing piles up.

use crate::telling::{count, orders, text, yesterday};
use chrono::Duration;
use serde_json::json;
use stack::Service;
use stack::wait::{self, Seen};
use std::time::{Duration as StdDuration, Instant};
use tests::{Answer, Api, Launch, Stack, Token};

/// How long it may take until an answer is no longer kept, or PostgreSQL is back.
const SEEN_LIMIT: StdDuration = StdDuration::from_secs(30);

/// The summary of the `hours` hours until one after noon of the day before.
async fn ask(api: &Api, hours: i64) -> Answer {
    let to = yesterday() + Duration::hours(1);
    let path = format!("/metrics/summary?from={}&to={}", text(to - Duration::hours(hours)), text(to));
    api.get(&path, &Token::of("acme").sign()).await
}

/// A stack with a PostgreSQL of its own and five orders; `None` where it can't be taken away.
async fn five_orders() -> Option<Stack> {
    let stack = Stack::with_own(Service::Postgres).await;
    stack.postgres().server()?;
    stack.produce(orders("acme", 5)).await;
    count(&stack).await;
    Some(stack)
}

/// An API that keeps answers for a second at most.
fn forgetful(stack: &Stack) -> Launch<'_> {
    stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "1").set("LOCAL_CACHE_TTL", "1s")
}

async fn until(api: &Api, what: &str, is: impl Fn(&Answer) -> bool) -> Answer {
    let seen = wait::until(what, SEEN_LIMIT, async || {
        let answer = ask(api, 1).await;
        Ok(if is(&answer) {
            Seen::Ready(answer)
        } else {
            Seen::NotYet(format!("{} {}", answer.status, answer.body))
        })
    });
    seen.await.expect("such an answer")
}

fn is_stale(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["stale"] == json!(true)
}

fn is_fresh(answer: &Answer) -> bool {
    answer.status == 200 && answer.json().get("stale").is_none()
}

#[tokio::test]
async fn while_postgres_is_away_the_last_answer_is_given_and_said_to_be_stale() {
    let Some(stack) = five_orders().await else { return };
    let api = forgetful(&stack).serve().await;
    let fresh = ask(&api, 1).await;
    assert!(is_fresh(&fresh) && fresh.header("age").is_empty(), "{}", fresh.body);
    stack.postgres().server().expect("checked").stop();

    let stale = until(&api, "an answer to be stale", is_stale).await;
    assert!(stale.body.starts_with(r#"{"stale":true,"organizationId":"acme","#), "{}", stale.body);
    assert_eq!(stale.json()["kpis"], fresh.json()["kpis"]);
    assert!(stale.header("age").parse::<u64>().expect("seconds") >= 1, "{:?}", stale.headers);
    assert!(stale.header("etag").is_empty() && stale.header("cache-control").contains("no-store"));
    let unknown = ask(&api, 2).await;
    assert_eq!(unknown.status, 503, "of this range nothing was known: {}", unknown.body);
    assert!(!unknown.header("retry-after").is_empty());

    stack.postgres().start_again().await.expect("PostgreSQL comes back");
    until(&api, "an answer to be fresh again", is_fresh).await;
    assert_eq!(ask(&api, 2).await.status, 200);
}

#[tokio::test]
async fn a_stale_answer_has_a_limit_of_age() {
    let Some(stack) = five_orders().await else { return };
    let api = forgetful(&stack).set("STALE_MAX_AGE", "4s").serve().await;
    assert!(is_fresh(&ask(&api, 1).await));
    stack.postgres().server().expect("checked").stop();
    let mut oldest = 0;
    let seen = wait::until("a stale answer to be too old", SEEN_LIMIT, async || {
        let answer = ask(&api, 1).await;
        oldest = oldest.max(answer.header("age").parse().unwrap_or(0));
        Ok(Seen::when(answer.status == 503, answer.body))
    });
    seen.await.expect("a problem");
    assert!((1..=4).contains(&oldest), "the oldest answer was {oldest} s old");
}

#[tokio::test]
async fn a_postgres_that_hangs_piles_nothing_up() {
    let Some(stack) = five_orders().await else { return };
    let launch =
        forgetful(&stack).set("LOADS_MAX", "8").set("LOAD_TIMEOUT", "2s").set("RATE_LIMIT_PER_SECOND", "0");
    let api = std::sync::Arc::new(launch.serve().await);
    assert!(is_fresh(&ask(&api, 1).await));
    let server = stack.postgres().server().expect("checked");
    server.pause();

    let stale = until(&api, "an answer to be stale", is_stale).await;
    assert_eq!(stale.json()["kpis"][0]["value"], json!(5));
    // Ranges nobody has asked about before: each would be a load.
    let begun = Instant::now();
    let asked: Vec<_> = (2..42)
        .map(|hours| {
            let api = std::sync::Arc::clone(&api);
            tokio::spawn(async move { ask(&api, hours).await })
        })
        .collect();
    // Meanwhile what is known is given at once; one request a second may wait for a moment to find out.
    for _ in 0..5 {
        assert!(is_stale(&ask(&api, 1).await));
    }
    for answer in asked {
        assert_eq!(answer.await.expect("an answer").status, 503);
    }
    assert!(begun.elapsed() < StdDuration::from_secs(10), "{:?}", begun.elapsed());
    let shed = api.metric("query_api_loads_shed_total", "").await;
    assert!(shed >= 30.0, "an organization may have two loads under way, and {shed} of 40 were shed");
    server.resume();
    until(&api, "an answer to be fresh again", is_fresh).await;
}
