//! An organization's rate, over several instances.

use crate::keeping::left;
use crate::telling::{text, yesterday};
use chrono::Duration;
use stack::Service;
use stack::wait::{self, Seen};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration as StdDuration, Instant};
use tests::{Answer, Api, Launch, Stack, Token};

/// Requests a second of one organization, and at once.
const RATE: u32 = 20;

/// One instance by itself grants so many at once, whatever it has granted before: the first one counts as 1.2.
const ASKED_MAX: u32 = 15;

/// How many two instances grant in the story about both. The time for it is long compared with that between two exchanges.
const GRANTED: u32 = 200;

/// Ten times as long as instances take from the beginning of an exchange to the end of the next one.
const EXCHANGE_MAX: StdDuration = StdDuration::from_secs(1);

/// How long it may take until something is seen.
const SEEN_LIMIT: StdDuration = StdDuration::from_secs(30);

async fn ask(api: &Api, organization: &str) -> Answer {
    let from = yesterday();
    let path = format!("/v1/metrics/summary?from={}&to={}", text(from), text(from + Duration::hours(1)));
    let answer = api.get(&path, &Token::of(organization).sign()).await;
    assert!([200, 429].contains(&answer.status), "{} {}", answer.status, answer.body);
    answer
}

fn limited(stack: &Stack) -> Launch<'_> {
    stack.api().set("RATE_LIMIT_PER_SECOND", RATE.to_string())
}

/// Asks an instance for all that it grants, and counts that, for as long as `story` takes. It is asked more often than the
/// rate is, and less often than would take all ports.
async fn flooding<T>(api: &Api, granted: &AtomicU32, story: impl Future<Output = T>) -> T {
    let flood = wait::until("the end of a story", SEEN_LIMIT * 4, async || {
        while ask(api, "acme").await.status == 200 {
            granted.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Seen::<()>::NotYet("it goes on".into()))
    });
    tokio::select! {
        told = story => told,
        ended = flood => panic!("{ended:?}"),
    }
}

/// Waits until so many are granted.
async fn until_granted(granted: &AtomicU32, count: u32) {
    let seen = wait::until("so many to be granted", SEEN_LIMIT * 2, async || {
        let granted = granted.load(Ordering::Relaxed);
        Ok(Seen::when(granted >= count, format!("{granted} are")))
    });
    seen.await.expect("so many");
}

/// Waits until an instance has exchanged once more what organizations took.
async fn until_exchanged(api: &Api, outcome: &str) {
    let labels = format!("outcome=\"{outcome}\"");
    let exchanges = async || api.metric("query_api_rate_exchanges_total", &labels).await;
    let before = exchanges().await;
    let seen = wait::until("another exchange", SEEN_LIMIT, async || {
        ask(api, "somebody else").await;
        Ok(Seen::when(exchanges().await > before, "there was none"))
    });
    seen.await.expect("an exchange");
}

#[tokio::test]
async fn what_one_instance_grants_is_not_granted_by_another() {
    let stack = Stack::start().await;
    if stack.redis().is_none() {
        return;
    }
    let (loud, quiet) = (limited(&stack).serve().await, limited(&stack).serve().await);
    let until_refused = async {
        for _ in 0..ASKED_MAX {
            let answer = ask(&quiet, "acme").await;
            if answer.status == 429 {
                return Some(answer);
            }
            // What is granted here is told with the next exchange, and what the other has granted is learnt.
            until_exchanged(&quiet, "shared").await;
        }
        None
    };
    let refused = flooding(&loud, &AtomicU32::new(0), until_refused).await;
    let refused = refused.expect("fewer requests than an instance by itself would grant at once are refused");
    assert!(refused.header("ratelimit").starts_with(r#""organization";r=0;t="#), "{:?}", refused.headers);
    assert_eq!(ask(&quiet, "another").await.status, 200, "every organization has a rate of its own");
}

#[tokio::test]
async fn together_instances_grant_the_rate_and_not_twice_as_much() {
    let stack = Stack::start().await;
    if stack.redis().is_none() {
        return;
    }
    let (one, other) = (limited(&stack).serve().await, limited(&stack).serve().await);
    let granted = AtomicU32::new(0);
    let begun = Instant::now();
    flooding(&one, &granted, flooding(&other, &granted, until_granted(&granted, GRANTED))).await;
    let took = begun.elapsed();
    // The bound of `request/rates.rs` for two. Twice the rate would need four seconds.
    let second = StdDuration::from_secs(1);
    let more = second + second + EXCHANGE_MAX * 2;
    assert!(took + more >= second * GRANTED / RATE, "{GRANTED} are granted in {took:?}");
}

#[tokio::test]
async fn while_redis_is_away_each_instance_has_a_rate_of_its_own() {
    let stack = Stack::with_own(Service::Redis).await;
    let Some(redis) = stack.redis() else { return };
    let Some(server) = redis.server() else { return };
    let (loud, quiet) = (limited(&stack).serve().await, limited(&stack).serve().await);
    until_exchanged(&loud, "shared").await;
    server.kill();
    until_exchanged(&loud, "alone").await;
    let warning = async || loud.admin("/readyz").await.json()["warnings"]["rates"].is_string();
    assert!(warning().await, "people are told");

    let granted = AtomicU32::new(0);
    flooding(&loud, &granted, until_granted(&granted, RATE)).await;
    // The other one has never been asked by this organization, and knows nothing of that.
    let first = ask(&quiet, "acme").await;
    assert!(left(&first) >= 18, "{:?}", first.headers);

    redis.start_again().await.expect("Redis comes back");
    until_exchanged(&loud, "shared").await;
    assert!(!warning().await, "people are told");
}
