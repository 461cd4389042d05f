//! The tracking connection, on which Redis sends an invalidation when a version changes: client-side caching (`CLIENT
//! TRACKING`, RESP3).
//!
//! Redis remembers which keys this connection has read and sends one invalidation when one of them changes. Broadcasting
//! (`BCAST`) would need no memory in Redis, but sends an invalidation for every key with the prefix: for each answer that
//! any instance keeps and for each raised version, whether or not this instance has read it. Keyspace notifications do the
//! same, and are off unless the operator changes Redis' own settings. With tracking, invalidations are bounded by reads.

use crate::cache::versions::{TRUST_MAX, Versions};
use domain::CacheKeys;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisError, Value};
use shared_cache::Access;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How often the connection is pinged: several times within the limit of trust.
const PING_EVERY: Duration = TRUST_MAX.checked_div(5).expect("five is not zero");

/// How long to wait before connecting again.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// The tracking connection, and the versions that are known by it.
pub struct Tracking {
    access: Access,
    timeout: Duration,
    keys: CacheKeys,
    connection: Mutex<Option<MultiplexedConnection>>,
    versions: Arc<Versions>,
    changed: Arc<Notify>,
}

impl Tracking {
    /// Tracking of the Redis that `access` leads to; it is not connected yet.
    pub fn new(access: Access, timeout: Duration, keys: CacheKeys) -> Self {
        let (versions, changed) = (Arc::default(), Arc::default());
        Self { access, timeout, keys, connection: Mutex::default(), versions, changed }
    }

    /// The known versions.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The connection, while there is one.
    pub fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Resolves once some version may have changed since it last resolved.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Keeps the connection up, for ever.
    pub async fn run(&self) {
        let mut last = String::new();
        loop {
            let Err(error) = self.connect_and_ping().await;
            self.disconnected();
            metrics::gauge!("query_api_redis_tells").set(0.0);
            // Once per reason: that Redis is unreachable is logged elsewhere, and an old Redis will never learn tracking.
            let why = error.to_string();
            if why != last {
                tracing::info!(%error, "redis sends no invalidations: every request reads its version");
                last = why;
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    fn disconnected(&self) {
        self.set(None);
        self.versions.forget_all();
        self.changed.notify_one();
    }

    fn connected(&self, connection: MultiplexedConnection) {
        // Before anything is read on it: Redis may have been emptied meanwhile.
        self.versions.forget_all();
        self.set(Some(connection));
        self.changed.notify_one();
    }

    fn set(&self, connection: Option<MultiplexedConnection>) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    async fn connect_and_ping(&self) -> Result<Infallible, RedisError> {
        let (keys, versions, changed) =
            (self.keys.clone(), Arc::clone(&self.versions), Arc::clone(&self.changed));
        // The connection calls this for messages in the order it reads them, and before it hands on any later reply.
        let receive = move |push: PushInfo| {
            receive(&push, &keys, &versions, &changed);
            Ok::<_, Infallible>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeout))
            .set_response_timeout(Some(self.timeout))
            .set_push_sender(receive);
        let client = by_resp3(&self.access.client().0)?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        redis::cmd("CLIENT").arg("TRACKING").arg("ON").query_async::<()>(&mut connection).await?;
        self.connected(connection.clone());
        metrics::gauge!("query_api_redis_tells").set(1.0);
        tracing::debug!("redis sends invalidations");
        loop {
            let sent_at = Instant::now();
            redis::cmd("PING").query_async::<()>(&mut connection).await?;
            self.versions.alive(sent_at);
            tokio::time::sleep(PING_EVERY).await;
        }
    }
}

/// The same client, by the protocol that has invalidations.
fn by_resp3(client: &Client) -> Result<Client, RedisError> {
    let info = client.get_connection_info().clone();
    let resp3 = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(resp3))
}

fn receive(push: &PushInfo, keys: &CacheKeys, versions: &Versions, changed: &Notify) {
    if push.kind != PushKind::Invalidate {
        return;
    }
    if let Some(Value::Array(names)) = push.data.first() {
        let names = names.iter().filter_map(|name| {
            let Value::BulkString(bytes) = name else { return None };
            std::str::from_utf8(bytes).ok()
        });
        let organizations = names.filter_map(|name| keys.organization_of(name));
        organizations.for_each(|organization| versions.invalidate(organization));
    } else {
        // No key is named when all of Redis was emptied.
        versions.forget_all();
    }
    changed.notify_one();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known_after(data: Vec<Value>) -> [bool; 2] {
        let (versions, now) = (Versions::default(), Instant::now());
        versions.alive(now);
        for organization in ["acme", "beta"] {
            let ticket = versions.begin_read(organization);
            versions.end_read(organization, ticket, 1);
        }
        let push = PushInfo { kind: PushKind::Invalidate, data };
        receive(&push, &CacheKeys::new("p:"), &versions, &Notify::new());
        ["acme", "beta"].map(|organization| versions.get(organization, now).is_some())
    }

    #[test]
    fn an_invalidated_version_is_forgotten_and_no_other() {
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
