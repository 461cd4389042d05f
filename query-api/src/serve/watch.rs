//! Looks after what the service stands on, and says how it is: to `/readyz`, the log and the metrics.

use crate::cache::shared::Shared;
use crate::request::token::Reload;
use crate::routes::Api;
use crate::store::{State, Store};
use admin::Readiness;
use std::sync::Arc;
use std::time::Duration;

/// How often PostgreSQL is looked at.
const POSTGRESQL_EVERY: Duration = Duration::from_secs(2);

/// A PostgreSQL that says nothing for so long is as good as away.
const POSTGRESQL_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How often the file with the keys of tokens is looked at.
const KEYS_EVERY: Duration = Duration::from_secs(2);

/// Says how PostgreSQL is, for ever. Without it the service is not ready: it can at most repeat itself.
pub async fn postgresql(store: &Store, readiness: &Readiness) {
    let mut every = tokio::time::interval(POSTGRESQL_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        every.tick().await;
        let state = tokio::time::timeout(POSTGRESQL_ANSWERS_WITHIN, store.state()).await;
        let state =
            state.unwrap_or_else(|_| State::Away(format!("no answer in {POSTGRESQL_ANSWERS_WITHIN:?}")));
        if last.as_ref() != Some(&state) {
            say(&state, readiness);
        }
        let (all, idle) = store.connections();
        metrics::gauge!("query_api_pool_connections", "state" => "idle").set(idle as f64);
        metrics::gauge!("query_api_pool_connections", "state" => "busy").set(all.saturating_sub(idle) as f64);
        metrics::gauge!("query_api_postgresql_up").set(f64::from(u8::from(state == State::Ready)));
        last = Some(state);
    }
}

fn say(state: &State, readiness: &Readiness) {
    match state {
        State::Ready => {
            tracing::info!("postgresql answers");
            readiness.good("postgresql");
        }
        State::Unmigrated(missing) => {
            let why = format!("the schema lacks {}: run `consumer migrate`", missing.join(", "));
            tracing::warn!(why, "waiting for postgresql");
            readiness.bad("postgresql", why);
        }
        State::Away(why) => {
            tracing::warn!(why, "waiting for postgresql");
            // The reason may name hosts; whoever reads it here has the log as well.
            readiness.bad(
                "postgresql",
                "it does not answer: requests that need it get a stale answer or 503 until it does",
            );
        }
    }
}

/// Says how Redis is, for ever. The service is ready without it: that costs freshness only.
pub async fn redis(shared: &Shared, readiness: &Readiness) {
    const UP: &str = "redis";
    const AWAY: &str = "redis (away: answers are cached in this process, for a moment)";
    shared
        .watch(|up| {
            let (now, before) = if up { (UP, AWAY) } else { (AWAY, UP) };
            readiness.forget(before);
            readiness.good(now);
        })
        .await;
}

/// Takes over the keys of tokens when their file changes, for ever.
pub async fn keys(api: Arc<Api>) {
    let mut every = tokio::time::interval(KEYS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let looked_at = Arc::clone(&api);
        // A file may be on a disk that is slow or gone.
        match tokio::task::spawn_blocking(move || looked_at.verifier.reload()).await {
            Ok(Reload::Same) => {}
            Ok(Reload::Changed(keys)) => {
                tracing::info!(keys, "tokens are verified with other keys from now on")
            }
            Ok(Reload::Refused(why)) => tracing::error!(why, "tokens are verified with the keys of before"),
            Err(error) => tracing::error!(%error, "the keys of tokens can't be looked at"),
        }
    }
}
