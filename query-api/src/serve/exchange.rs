//! Exchanges with the other instances, through Redis, what organizations took of their rates. No request waits for it.

use crate::cache::shared::Shared;
use crate::request::rate_limit::RateLimit;
use admin::Readiness;
use std::time::{Duration, Instant};

/// How often instances exchange. What they grant too much together is bounded by it (`request/rates.rs`).
pub(crate) const RATE_SYNC: Duration = Duration::from_millis(100);

/// How many organizations are told at once: Redis serves nobody else meanwhile, which takes about a millisecond.
const ORGANIZATIONS_MAX: usize = 1_000;

/// The warning while each instance has rates of its own.
const RATES: &str = "rates";
const ALONE: &str = "Redis doesn't take what organizations took: each instance grants the whole rate";

/// What became of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing was taken.
    Nothing,
    /// What was taken is told, and what all instances took is known.
    Shared,
    /// Redis is away, or refuses. What was taken is not told again: by the next time it may have been paid back.
    Alone,
}

/// Exchanges for ever.
pub async fn rates(rate_limit: &RateLimit, shared: &Shared, readiness: &Readiness) {
    let mut every = tokio::time::interval(RATE_SYNC);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_alone = false;
    loop {
        every.tick().await;
        let alone = match exchange(rate_limit, shared).await {
            Outcome::Nothing => continue,
            Outcome::Shared => false,
            Outcome::Alone => true,
        };
        let outcome = if alone { "alone" } else { "shared" };
        metrics::counter!("query_api_rate_exchanges_total", "outcome" => outcome).increment(1);
        if alone != is_alone {
            report(alone, readiness);
        }
        is_alone = alone;
    }
}

fn report(alone: bool, readiness: &Readiness) {
    if alone {
        tracing::warn!("{ALONE}");
        readiness.warn(RATES, ALONE);
    } else {
        tracing::info!("what organizations take of their rates is shared again");
        readiness.unwarn(RATES);
    }
}

/// Tells all that was taken, some organizations after the others.
async fn exchange(rate_limit: &RateLimit, shared: &Shared) -> Outcome {
    let mut outcome = Outcome::Nothing;
    loop {
        let taken = rate_limit.untold(ORGANIZATIONS_MAX);
        if taken.is_empty() {
            return outcome;
        }
        let Some(ahead) = shared.add_taken(&taken).await else { return Outcome::Alone };
        let now = Instant::now();
        for (taken, ahead) in taken.iter().zip(ahead) {
            rate_limit.learn(&taken.organization, ahead, now);
        }
        outcome = Outcome::Shared;
        if taken.len() < ORGANIZATIONS_MAX {
            return outcome;
        }
    }
}
