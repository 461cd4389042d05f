//! How old an answer can be: hits are answered without asking Redis, and still never older than said.

use crate::telling::{count, counted, orders, text, yesterday};
use chrono::Duration;
use serde_json::json;
use stack::wait::{self, Seen};
use stack::{Redis, Service};
use std::time::{Duration as StdDuration, Instant};
use tests::{Api, Stack, Token};

/// After Redis has confirmed a change, no answer is older than this: what docs/operating.md promises.
const STALE_MAX: StdDuration = StdDuration::from_millis(500);

/// How long an answer is kept where nobody can say whether it is still right.
const LOCAL_CACHE_TTL: StdDuration = StdDuration::from_secs(1);

/// What two processes on a busy machine may take beside that for a question and its answer.
const SLACK: StdDuration = StdDuration::from_secs(1);

/// How long it may take until something is seen at all.
const SEEN_LIMIT: StdDuration = StdDuration::from_secs(20);

async fn orders_now(api: &Api) -> i64 {
    let from = yesterday();
    let path = format!("/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)));
    let answer = api.get(&path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["kpis"][0]["key"], json!("orders_created"));
    json["kpis"][0]["value"].as_i64().expect("a whole number")
}

async fn until_orders_are(api: &Api, expected: i64) {
    let seen = wait::until("an answer to be fresh", SEEN_LIMIT, async || {
        let orders = orders_now(api).await;
        Ok(Seen::when(orders == expected, orders.to_string()))
    });
    seen.await.expect("a fresh answer");
}

/// Sets the organization's orders as a member of the consumer would: rows first, committed, then the version.
struct Writer<'a> {
    stack: &'a Stack,
    redis: redis::aio::MultiplexedConnection,
}

impl<'a> Writer<'a> {
    async fn new(stack: &'a Stack, redis: &Redis) -> Self {
        let client = redis::Client::open(redis.url()).expect("a Redis URL");
        Self { stack, redis: client.get_multiplexed_async_connection().await.expect("a connection") }
    }

    async fn commit(&self, orders: i64) {
        let sql = "update org_hourly_metrics set orders_created = $1 where organization_id = 'acme'";
        assert_eq!(self.stack.client().await.execute(sql, &[&orders]).await.expect("an update"), 1);
    }

    async fn announce(&mut self) {
        let key = format!("{}:metrics:acme:version", self.stack.name());
        redis::cmd("INCR").arg(key).query_async::<u64>(&mut self.redis).await.expect("an acknowledgement");
    }

    /// How many questions of this kind Redis has answered.
    async fn answered(&mut self, command: &str) -> u64 {
        let all: String =
            redis::cmd("INFO").arg("commandstats").query_async(&mut self.redis).await.expect("statistics");
        let line = all.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
    }
}

/// A stack with a Redis of its own and five orders; `None` where there is no Redis to start.
async fn five_orders() -> Option<Stack> {
    let stack = Stack::with_own(Service::Redis).await;
    stack.redis()?.server()?;
    stack.produce(orders("acme", 5)).await;
    count(&stack).await;
    Some(stack)
}

#[tokio::test]
async fn an_answer_that_is_kept_is_given_without_asking_redis() {
    let Some(stack) = five_orders().await else { return };
    let mut writer = Writer::new(&stack, stack.redis().expect("checked")).await;
    let api = stack.api().set("RATE_LIMIT_PER_SECOND", "0").serve().await;
    let known = wait::until("a version to be known here", SEEN_LIMIT, async || {
        let before = writer.answered("get").await;
        assert_eq!(orders_now(&api).await, 5);
        let after = writer.answered("get").await;
        Ok(Seen::when(before == after, "Redis was asked"))
    });
    known.await.expect("an answer from this process");
    let before = writer.answered("get").await;
    for _ in 0..200 {
        assert_eq!(orders_now(&api).await, 5);
    }
    let asked = writer.answered("get").await - before;
    // A heartbeat that comes late on a busy machine costs a question.
    assert!(asked <= 20, "Redis was asked {asked} times for 200 answers");
}

#[tokio::test]
async fn after_an_acknowledged_change_no_answer_is_older_than_said() {
    let stack = counted(orders("acme", 5)).await;
    let Some(redis) = stack.redis() else { return };
    let mut writer = Writer::new(&stack, redis).await;
    let launch = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("RATE_LIMIT_PER_SECOND", "0");
    let api = launch.serve().await;
    assert_eq!(orders_now(&api).await, 5);
    let mut longest = StdDuration::ZERO;
    for orders in 6..56 {
        writer.commit(orders).await;
        writer.announce().await;
        let acknowledged = Instant::now();
        let mut asked_at = acknowledged;
        while orders_now(&api).await != orders {
            // A wrong answer counts by when it was asked for.
            longest = longest.max(asked_at - acknowledged);
            assert!(longest <= STALE_MAX, "an answer was {longest:?} old");
            asked_at = Instant::now();
        }
        assert_eq!(orders_now(&api).await, orders, "what was seen stays seen");
    }
    machine::say::line(format_args!("of 50 changes the oldest answer was asked for {longest:?} after one"));
}

#[tokio::test]
async fn a_redis_that_hangs_is_not_believed_for_longer_than_said() {
    let Some(stack) = five_orders().await else { return };
    let redis = stack.redis().expect("checked");
    let mut writer = Writer::new(&stack, redis).await;
    let launch = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").set("RATE_LIMIT_PER_SECOND", "0");
    let api = launch.serve().await;
    until_orders_are(&api, 5).await;
    let server = redis.server().expect("checked");
    server.pause();
    writer.commit(9).await;
    let committed = Instant::now();
    let (mut longest, mut asked_at) = (StdDuration::ZERO, committed);
    while orders_now(&api).await != 9 {
        // A wrong answer counts by when it was asked for.
        longest = longest.max(asked_at - committed);
        asked_at = Instant::now();
    }
    // What is known is believed for so long, and what was loaded then without Redis is kept for a second.
    assert!(longest <= STALE_MAX + LOCAL_CACHE_TTL, "an answer was {longest:?} old");
    server.resume();
    // Nobody could announce that commit; the next one is told of like any other.
    writer.commit(12).await;
    writer.announce().await;
    until_orders_are(&api, 12).await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_counts_versions_anew_and_no_old_answer_is_taken_for_a_new_one() {
    let Some(stack) = five_orders().await else { return };
    let redis = stack.redis().expect("checked");
    let api = stack.api().set("BUSINESS_METRICS_CACHE_TTL_SEC", "3600").serve().await;
    until_orders_are(&api, 5).await;
    redis.server().expect("checked").kill();
    redis.start_again().await.expect("Redis comes back");
    let mut writer = Writer::new(&stack, redis).await;
    let back = wait::until("the API to be told of changes again", SEEN_LIMIT, async || {
        let told = api.metric("query_api_redis_tells", "").await;
        Ok(Seen::when(told == 1.0, "it isn't"))
    });
    back.await.expect("a connection");
    // The numbers of before come again, each for other rows: those that were kept under them are out of use.
    for orders in 10..20 {
        writer.commit(orders).await;
        writer.announce().await;
        let acknowledged = Instant::now();
        until_orders_are(&api, orders).await;
        assert!(acknowledged.elapsed() <= STALE_MAX + SLACK, "{:?}", acknowledged.elapsed());
    }
    // And so it is when it is emptied while everybody stays connected.
    let mut connection = writer.redis.clone();
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.expect("an acknowledgement");
    writer.commit(30).await;
    writer.announce().await;
    let acknowledged = Instant::now();
    until_orders_are(&api, 30).await;
    assert!(acknowledged.elapsed() <= STALE_MAX + SLACK, "{:?}", acknowledged.elapsed());
}
