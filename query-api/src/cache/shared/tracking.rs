//! The connection on which Redis tells which versions have changed: client-side caching (`CLIENT TRACKING`, RESP3).
//!
//! Redis remembers which keys this connection has read and tells once when one of them changes. Broadcasting (`BCAST`)
//! would need no memory there, but tells of every key with a prefix: each answer any instance stores, and each raise for
//! each organization, whether or not anybody here looks at it. Keyspace notifications are the same, and switched off
//! unless the operator changes Redis' own settings. What is told here is bounded by what was asked.

use super::Shared;
use crate::cache::versions::{TRUST_MAX, Versions};
use domain::CacheKeys;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind, RedisError, Value};
use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How often a sign of life is asked for: several times within what silence is believed.
const HEARTBEAT_EVERY: Duration = TRUST_MAX.checked_div(5).expect("five is not zero");

/// How long Redis is left alone after the connection failed.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

impl Shared {
    /// The connection on which changes are told, while there is one.
    pub(super) fn telling(&self) -> Option<MultiplexedConnection> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell_by(&self, connection: Option<MultiplexedConnection>) {
        *self.telling.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Resolves once something has changed since it last resolved.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Has Redis tell of changes, for ever. What fails is tried again; meanwhile versions are asked for each time.
    pub async fn follow(&self) {
        let mut last = String::new();
        loop {
            let Err(error) = self.follow_once().await;
            self.tell_by(None);
            self.versions.forget_all();
            self.changed.notify_one();
            metrics::gauge!("query_api_redis_tells").set(0.0);
            // Said once: while Redis is away that is told elsewhere, and one that can't do this will never learn it.
            let why = error.to_string();
            if why != last {
                tracing::info!(%error, "redis doesn't tell of changes: versions are asked for each time");
                last = why;
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn follow_once(&self) -> Result<Infallible, RedisError> {
        let (keys, versions, changed) =
            (self.keys.clone(), Arc::clone(&self.versions), Arc::clone(&self.changed));
        // Called by the connection in the order of what it reads, before it hands on any later answer.
        let hear = move |push: PushInfo| {
            hear(&push, &keys, &versions, &changed);
            Ok::<_, Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout))
            .set_push_sender(hear);
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("CLIENT").arg("TRACKING").arg("ON").query_async::<()>(&mut connection).await?;
        // Before anything is asked on it: who knows what happened to Redis meanwhile.
        self.versions.forget_all();
        self.tell_by(Some(connection.clone()));
        self.changed.notify_one();
        metrics::gauge!("query_api_redis_tells").set(1.0);
        tracing::debug!("redis tells of changes");
        loop {
            let sent_at = Instant::now();
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            self.versions.heard(sent_at);
            tokio::time::sleep(HEARTBEAT_EVERY).await;
        }
    }
}

fn hear(push: &PushInfo, keys: &CacheKeys, versions: &Versions, changed: &Notify) {
    if push.kind != PushKind::Invalidate {
        return;
    }
    if let Some(Value::Array(names)) = push.data.first() {
        let names = names.iter().filter_map(|name| {
            let Value::BulkString(bytes) = name else { return None };
            std::str::from_utf8(bytes).ok()
        });
        let organizations = names.filter_map(|name| keys.organization_of(name));
        organizations.for_each(|organization| versions.changed(organization));
    } else {
        // Nothing is named when all of Redis was emptied.
        versions.forget_all();
    }
    changed.notify_one();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known_after(data: Vec<Value>) -> [bool; 2] {
        let (versions, now) = (Versions::default(), Instant::now());
        versions.heard(now);
        for organization in ["acme", "beta"] {
            let ticket = versions.ask(organization);
            versions.told(organization, ticket, 1);
        }
        let push = PushInfo { kind: PushKind::Invalidate, data };
        hear(&push, &CacheKeys::new("p:"), &versions, &Notify::new());
        ["acme", "beta"].map(|organization| versions.get(organization, now).is_some())
    }

    #[test]
    fn what_is_told_is_forgotten_and_nothing_else() {
        let names = |names: &[&str]| {
            let names = names.iter().map(|name| Value::BulkString(name.as_bytes().to_vec()));
            vec![Value::Array(names.collect())]
        };
        assert_eq!(known_after(names(&["p:metrics:acme:version"])), [false, true]);
        assert_eq!(known_after(names(&["p:metrics:acme:version", "p:metrics:beta:version"])), [false, false]);
        assert_eq!(known_after(names(&["metrics:acme:version", "p:other"])), [true, true]);
        assert_eq!(known_after(vec![Value::Nil]), [false, false], "Redis was emptied");
    }
}
