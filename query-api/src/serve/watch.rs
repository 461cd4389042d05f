//! Watches what the service depends on, and reports it to `/readyz`, the log and the metrics.

use crate::cache::shared::Shared;
use crate::request::token::Verifier;
use crate::serve::issuer;
use crate::store::{State, Store};
use admin::Readiness;
use std::sync::Arc;
use std::time::Duration;

/// How often PostgreSQL is probed.
pub(crate) const POSTGRESQL_EVERY: Duration = Duration::from_secs(2);

/// A PostgreSQL that takes longer to reply counts as unreachable.
pub(crate) const POSTGRESQL_REPLIES_WITHIN: Duration = Duration::from_secs(5);

/// How often the file of keys is read again.
const KEYS_EVERY: Duration = Duration::from_secs(2);

/// Rights that a sentence names.
const NAMED_MAX: usize = 5;

/// What the service needs before its first answer: the schema.
pub const SCHEMA: &str = "schema";

/// What it can be without for a while: then it gives the last known answers.
const POSTGRESQL: &str = "postgresql";

/// What it can be without at the price of freshness.
const REDIS: &str = "redis";

/// Reports the state of PostgreSQL, for ever. The service is ready once it saw the schema. It stays so when PostgreSQL goes away: all
/// instances would be taken out at once, and nobody would get the last known answers.
pub async fn postgresql(store: &Store, readiness: &Readiness) {
    let mut every = tokio::time::interval(POSTGRESQL_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut last, mut seen) = (None, false);
    loop {
        every.tick().await;
        let state = tokio::time::timeout(POSTGRESQL_REPLIES_WITHIN, store.state()).await;
        let state = state
            .unwrap_or_else(|_| State::Unreachable(format!("no reply in {POSTGRESQL_REPLIES_WITHIN:?}")));
        seen |= state == State::Ready;
        if last.as_ref() != Some(&state) {
            report(&state, seen, readiness);
        }
        metrics::gauge!("query_api_postgresql_up").set(f64::from(u8::from(state == State::Ready)));
        last = Some(state);
    }
}

/// `seen` is whether the schema was seen, now or before.
fn report(state: &State, seen: bool, readiness: &Readiness) {
    let why = match state {
        State::Ready => {
            tracing::info!("postgresql is reachable");
            readiness.good(SCHEMA);
            readiness.good(POSTGRESQL);
            return readiness.unwarn(POSTGRESQL);
        }
        State::Unmigrated(missing) => {
            let why = format!("the schema lacks {}: run `consumer migrate`", missing.join(", "));
            tracing::warn!(why, "waiting for postgresql");
            why
        }
        State::Unpermitted(lacking) => {
            let why = format!(
                "its role lacks {}: run deploy/roles.sql, as after each migration, or give the role these rights",
                listed(lacking)
            );
            tracing::warn!(why, "waiting for postgresql");
            why
        }
        State::Unusable(why) | State::Refused(why) => {
            tracing::warn!(why, "waiting for postgresql");
            why.clone()
        }
        State::Unreachable(why) => {
            tracing::warn!(why, "waiting for postgresql");
            // The reason may name hosts, so it is in the log only.
            "it is unreachable: until it is back, requests that need it get a stale answer or 503".into()
        }
    };
    readiness.forget(POSTGRESQL);
    readiness.warn(POSTGRESQL, why.clone());
    if !seen {
        readiness.bad(SCHEMA, format!("not seen yet. PostgreSQL: {why}"));
    }
}

/// The first of them, and how many more there are.
fn listed(all: &[String]) -> String {
    let named = all.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named}, and {more} more rights"),
    }
}

/// Reports the state of Redis, for ever. The service is ready without it, at the price of freshness.
pub async fn redis(shared: &Shared, readiness: &Readiness) {
    shared
        .watch(|up| {
            if up {
                readiness.good(REDIS);
                readiness.unwarn(REDIS);
            } else {
                readiness.forget(REDIS);
                let why = shared.refused().unwrap_or_else(|| "it is unreachable".into());
                readiness.warn(REDIS, format!("{why}: answers are cached in this process, for a moment"));
            }
        })
        .await;
}

/// Takes over the keys of tokens when their file changes, for ever.
pub async fn keys(verifier: Arc<Verifier>) {
    let mut every = tokio::time::interval(KEYS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let verifier = Arc::clone(&verifier);
        // Blocking: the file may be on a disk that is slow or gone.
        match tokio::task::spawn_blocking(move || verifier.reload()).await {
            Ok(reload) => issuer::report(&reload),
            Err(error) => tracing::error!(%error, "reading the file of keys panicked"),
        }
    }
}
