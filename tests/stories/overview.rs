//! One answer for a page: each part is its own path's answer, and all are of one moment.

use crate::telling::{count, counted, plain, text, until_waiting_for_locks, yesterday};
use chrono::Duration;
use load::Message;
use proto::v1::message_delivery::Status;
use proto::v1::workflow_terminal::Outcome;
use serde_json::Value;
use stack::wait::{self, Seen};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration as StdDuration;
use tests::{Api, Stack, Token};

/// How long it may take until a change is known.
const FRESH_LIMIT: StdDuration = StdDuration::from_secs(10);

/// The parts, and their paths.
const PARTS: [(&str, &str); 5] = [
    ("summary", "summary"),
    ("trends", "trends"),
    ("workflowHealth", "workflow-health"),
    ("deliveryHealth", "delivery-health"),
    ("insights", "insights"),
];

fn range() -> String {
    format!("from={}&to={}&granularity=hour", text(yesterday()), text(yesterday() + Duration::hours(3)))
}

/// An organization with one of everything each minute.
fn messages(count: i64) -> Vec<Message> {
    let one = |n: i64| {
        let (at, id) = (yesterday() + Duration::minutes(n), format!("n{n}"));
        let outcome = if n % 4 == 0 { Outcome::Failed } else { Outcome::Success };
        [
            Message::order("acme", &id, at),
            Message::payment("acme", &id, at, n % 3 > 0),
            Message::workflow("acme", &id, at, outcome, n.unsigned_abs()),
            Message::delivery("acme", &id, at, at, Status::Sent),
        ]
    };
    (0..count).flat_map(one).collect()
}

async fn ask(api: &Api, path: &str) -> Value {
    let answer = api.get(path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

async fn loaded(api: &Api) -> f64 {
    api.metric("query_api_answers_total", "from=\"postgresql\"").await
}

/// Holds each part against its own path's answer. Of those parameters that are given, each path gets what it knows.
async fn check_parts(api: &Api, overview: &Value, more: &[(&str, &[&str])]) {
    for (name, path) in PARTS {
        let known = more.iter().filter(|(_, paths)| paths.contains(&path)).map(|(pair, _)| *pair);
        let query: Vec<_> = [range()].into_iter().chain(known.map(str::to_owned)).collect();
        assert_eq!(overview[name], ask(api, &format!("/metrics/{path}?{}", query.join("&"))).await, "{name}");
    }
}

#[tokio::test]
async fn each_part_is_its_own_paths_answer_and_whoever_asks_first_loads_it_for_both() {
    let stack = counted(plain(messages(120))).await;
    let serve =
        || stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("LOCAL_CACHE_TTL", "1h").serve();
    let api = serve().await;
    let more: [(&str, &[&str]); 5] = [
        ("compare=previous_week", &["summary", "trends"]),
        ("sort=name", &["workflow-health"]),
        ("workflowsLimit=1", &["workflow-health"]),
        ("limit=3", &["workflow-health"]),
        ("channel=email", &["delivery-health"]),
    ];
    let pairs: Vec<_> = more.iter().map(|(pair, _)| *pair).collect();
    let overview = ask(&api, &format!("/metrics/overview?{}&{}", range(), pairs.join("&"))).await;
    assert_eq!(loaded(&api).await, 5.0);
    check_parts(&api, &overview, &more).await;
    assert_eq!(loaded(&api).await, 5.0, "the parts are kept for their own paths");
    if stack.redis().is_none() {
        return;
    }
    // Each part for itself first; and another process finds them in Redis.
    let query = range();
    ask(&api, &format!("/metrics/summary?{query}")).await;
    ask(&api, &format!("/metrics/insights?{query}")).await;
    let overview = ask(&api, &format!("/metrics/overview?{query}")).await;
    assert_eq!(
        loaded(&api).await,
        9.0,
        "insights take none of these parameters and were kept; the summary, then three"
    );
    check_parts(&api, &overview, &[]).await;
    let other = serve().await;
    assert_eq!(ask(&other, &format!("/metrics/overview?{query}")).await, overview);
    assert_eq!(loaded(&other).await, 0.0);

    let token = format!("Bearer {}", Token::of("acme").sign());
    let path = format!("/metrics/overview?{query}");
    let first = api.get_with(&path, &[("authorization", &token)]).await;
    let headers = [("authorization", &*token), ("if-none-match", first.header("etag"))];
    let known = api.get_with(&path, &headers).await;
    assert_eq!((known.status, &*known.body), (304, ""));
    assert_eq!(first.header("generated-at"), known.header("generated-at"));
    let csv = api.get_with(&path, &[("authorization", &token), ("accept", "text/csv")]).await;
    assert_eq!(csv.status, 406, "{}", csv.body);

    // After a commit all parts are of the new version.
    stack.produce(plain(messages(121))).await;
    count(&stack).await;
    let fresh = wait::until("an overview of the new numbers", FRESH_LIMIT, async || {
        let overview = ask(&api, &path).await;
        let numbers = numbers(&overview);
        assert!(numbers == [120; 4] || numbers == [121; 4], "{numbers:?}");
        Ok(Seen::when(numbers == [121; 4], format!("{numbers:?}")))
    });
    fresh.await.expect("a fresh overview");
}

/// How many orders, messages and runs there are: by the summary and the trends, by delivery health, by the trends, by workflow health.
fn numbers(overview: &Value) -> [i64; 4] {
    let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("no number: {overview:#}"));
    let sum = |member: &str| -> i64 {
        overview["trends"]["series"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|point| number(&point[member]))
            .sum()
    };
    let orders = &overview["summary"]["kpis"][0];
    assert_eq!(orders["key"], "orders_created");
    assert_eq!(number(&orders["value"]), sum("orders_created"), "summary and trends");
    let totals = |part: &str, member: &str| number(&overview[part]["totals"][member]);
    [
        number(&orders["value"]),
        totals("deliveryHealth", "sent"),
        sum("workflows_total"),
        totals("workflowHealth", "total"),
    ]
}

/// Raises every counter of the organization by one, in one transaction, as a batch would; then its version.
async fn raise(stack: &Stack, redis: &mut Option<redis::aio::MultiplexedConnection>) {
    let mut client = stack.client().await;
    let batch = client.transaction().await.expect("a transaction");
    raise_in(&batch).await;
    batch.commit().await.expect("a commit");
    if let Some(redis) = redis {
        let key = format!("{}:metrics:acme:version", stack.name());
        redis::cmd("INCR").arg(key).query_async::<u64>(redis).await.expect("a version");
    }
}

async fn raise_in(batch: &tokio_postgres::Transaction<'_>) {
    for sql in [
        "update org_hourly_metrics set orders_created = orders_created + 1, messages_sent = messages_sent + 1,
                workflows_total = workflows_total + 1 where organization_id = 'acme' and hour_bucket = $1",
        "update workflow_hourly_metrics set runs = runs + 1 where organization_id = 'acme' and hour_bucket = $1",
    ] {
        assert_eq!(batch.execute(sql, &[&yesterday()]).await.expect("an update"), 1);
    }
}

/// Asks for overviews while one commit follows another. In each all parts have the same numbers.
async fn while_commits_go_on(api: Api, stack: Stack) {
    let client = stack.redis().map(|redis| redis::Client::open(redis.url()).expect("a Redis URL"));
    let mut redis = None;
    if let Some(client) = client {
        redis = Some(client.get_multiplexed_async_connection().await.expect("a connection"));
    }
    let (stack, ends) = (Arc::new(stack), Arc::new(AtomicBool::new(false)));
    let (writes, until) = (Arc::clone(&stack), Arc::clone(&ends));
    let writer = tokio::spawn(async move {
        while !until.load(Ordering::Relaxed) {
            raise(&writes, &mut redis).await;
        }
    });
    let mut distinct = std::collections::BTreeSet::new();
    for _ in 0..150 {
        let seen = numbers(&ask(&api, &format!("/metrics/overview?{}", range())).await);
        assert!(seen.iter().all(|number| *number == seen[0]), "the parts are of different moments: {seen:?}");
        distinct.insert(seen[0]);
    }
    ends.store(true, Ordering::Relaxed);
    writer.await.expect("a writer");
    assert!(distinct.len() > 5, "commits were seen: {distinct:?}");
    assert_eq!(api.stop().await, Some(0));
}

#[tokio::test]
async fn while_commits_go_on_all_parts_are_of_one_moment() {
    let stack = counted(plain(messages(60))).await;
    let api = stack.api().set("RATE_LIMIT_PER_SECOND", "0").set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600");
    while_commits_go_on(api.serve().await, stack).await;
}

#[tokio::test]
async fn without_redis_they_are_so_too() {
    let stack = counted(plain(messages(60))).await;
    let api =
        stack.api().without("REDIS_URL").set("RATE_LIMIT_PER_SECOND", "0").set("LOCAL_CACHE_TTL", "1ms");
    while_commits_go_on(api.serve().await, stack).await;
}

#[tokio::test]
async fn a_commit_between_what_was_kept_and_what_is_loaded_is_in_all_parts() {
    let stack = counted(plain(messages(60))).await;
    let Some(server) = stack.redis() else { return };
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600");
    // The load waits for a lock for as long as this story needs.
    let limits = [("DATABASE_STATEMENT_TIMEOUT", "18s"), ("LOAD_TIMEOUT", "18s"), ("REQUEST_TIMEOUT", "19s")];
    let api = limits.iter().fold(api, |api, (name, limit)| api.set(name, *limit)).serve().await;
    let overview =
        async |limit: u32| numbers(&ask(&api, &format!("/metrics/overview?{}&limit={limit}", range())).await);
    assert_eq!(overview(1).await, [60; 4]);
    let mut client = stack.client().await;
    let batch = client.transaction().await.expect("a transaction");
    batch.batch_execute("lock table workflow_hourly_metrics in access exclusive mode").await.expect("a lock");
    let commit = async {
        // Workflow health alone isn't kept for this limit, and is being loaded.
        until_waiting_for_locks(&stack, 1).await;
        let client = redis::Client::open(server.url()).expect("a Redis URL");
        let mut redis = client.get_multiplexed_async_connection().await.expect("a connection");
        let key = format!("{}:metrics:acme:version", stack.name());
        // Another question, kept under the version of before.
        let other = format!("/metrics/delivery-health?{}&channel=sms", range());
        ask(&api, &other).await;
        let before = loaded(&api).await;
        redis::cmd("INCR").arg(&key).query_async::<u64>(&mut redis).await.expect("a version");
        let known = wait::until("the new version to be known", FRESH_LIMIT, async || {
            ask(&api, &other).await;
            Ok(Seen::when(loaded(&api).await > before, "it isn't"))
        });
        raise_in(&batch).await;
        known.await.expect("a new version");
        batch.commit().await.expect("a commit");
    };
    let (seen, ()) = tokio::join!(overview(2), commit);
    assert_eq!(seen, [61; 4], "the first try had four parts of before");
}
