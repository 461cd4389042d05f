//! What `completeThrough` promises: everything the brokers held up to then is in the numbers it stands beside.

use crate::telling::{orders, text, yesterday};
use chrono::{DateTime, Duration, Utc};
use stack::wait::{self, Seen};
use std::time::Duration as StdDuration;
use tests::{Api, Stack, Token};

/// How long the promise may take to pass an instant, a dead member's session included.
pub const PROMISE_LIMIT: StdDuration = StdDuration::from_secs(60);

/// What an answer promises, and how many orders it counts.
#[derive(Clone, Copy, Debug)]
struct Look {
    complete_through: Option<DateTime<Utc>>,
    orders: i64,
}

async fn look(api: &Api) -> Look {
    let from = yesterday();
    let path = format!("/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)));
    let answer = api.get(&path, &Token::of("acme").sign()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    let complete_through = json["completeThrough"].as_str().map(|time| time.parse().expect("a time"));
    Look { complete_through, orders: json["kpis"][0]["value"].as_i64().expect("a count") }
}

/// An API that keeps no answer.
pub async fn uncached(stack: &Stack) -> Api {
    stack.api().without("REDIS_URL").set("LOCAL_CACHE_TTL", "0s").serve().await
}

/// Waits until the promise passes `held`, an instant at which the brokers held so many orders. However often it is
/// looked at on the way: no answer may promise `held` and have fewer.
pub async fn until_promised(api: &Api, held: DateTime<Utc>, orders: i64) {
    let promised = wait::until("the promise to pass what the brokers hold", PROMISE_LIMIT, async || {
        let look = look(api).await;
        let passed = look.complete_through.is_some_and(|through| through >= held);
        assert!(!passed || look.orders == orders, "{look:?} when {orders} were held at {held}");
        Ok(Seen::when(passed, format!("{look:?}")))
    });
    promised.await.expect("a promise kept");
}

#[tokio::test]
async fn what_is_promised_is_counted_though_members_hang_or_die() {
    let stack = Stack::start().await;
    let api = uncached(&stack).await;
    assert_eq!(look(&api).await.complete_through, None, "nothing was ever read");

    let mut member = stack.consumer().start().await;
    stack.produce(orders("acme", 100)).await;
    until_promised(&api, Utc::now(), 100).await;
    // Nothing is produced any more, to two of the topics nothing ever was: the promise goes on.
    until_promised(&api, Utc::now(), 100).await;

    member.pause();
    stack.produce(orders("acme", 150)).await;
    let held = Utc::now();
    for _ in 0..20 {
        let look = look(&api).await;
        let passed = look.complete_through.is_some_and(|through| through >= held);
        assert!(!passed, "{look:?}: nobody has read what was held at {held}");
    }
    member.resume();
    until_promised(&api, held, 150).await;

    member.kill();
    stack.produce(orders("acme", 200)).await;
    let held = Utc::now();
    let look = look(&api).await;
    assert!(look.complete_through.is_some_and(|through| through < held), "{look:?} at {held}");
    let _next = stack.consumer().start().await;
    until_promised(&api, held, 200).await;
}
