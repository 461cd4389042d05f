//! One look at Redis, for `consumer doctor`. What it sets ends with its connection.

use super::Settings;
use domain::CacheKeys;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError};
use std::time::Duration;

/// What no version can be raised by. Redis looks at it after the user's rights, and changes nothing.
const NO_NUMBER: &str = "doctor";
/// What Redis says of it.
const NOT_RAISED: &str = "not an integer";

/// What Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSeen {
    /// Its version; empty if it doesn't say.
    pub version: String,
    /// What it evicts when its memory is full; empty if it doesn't say.
    pub eviction: String,
    /// Why it doesn't tell clients of changes (`CLIENT TRACKING`); `None` if it does.
    pub untold: Option<String>,
}

/// Why Redis can't be used, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It doesn't let this user in.
    Login(String),
    /// The user may not raise versions.
    Rights(String),
    /// Anything else: a sentence, which may have a remedy behind its semicolon.
    Else(String),
}

impl Settings {
    /// Looks at Redis; `None` if there is none to be used.
    ///
    /// # Errors
    /// When it can't be reached, or doesn't take what members send.
    pub async fn look(&self, limit: Duration) -> Result<Option<RedisSeen>, Unusable> {
        let seen = tokio::time::timeout(limit, self.seen(limit)).await;
        seen.unwrap_or_else(|_| Err(Unusable::Else(format!("no answer within {limit:?}"))))
    }

    async fn seen(&self, limit: Duration) -> Result<Option<RedisSeen>, Unusable> {
        let client = self.client().map_err(|bad| Unusable::Else(bad.0))?;
        let Some(client) = client else { return Ok(None) };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit));
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connected.map_err(|error| unusable(&error))?;
        self.raise_by_nothing(&mut connection).await.map_err(|error| unusable(&error))?;
        // A user that may not ask for it learns less.
        let said: Result<String, RedisError> = redis::cmd("INFO").query_async(&mut connection).await;
        let said = said.unwrap_or_default();
        let tracking = redis::cmd("CLIENT").arg("TRACKING").arg("ON").to_owned();
        let untold = tracking.query_async::<()>(&mut connection).await.err().map(|error| in_words(&error));
        let about = |name: &str| value(&said, name).unwrap_or_default().to_owned();
        Ok(Some(RedisSeen { version: about("redis_version"), eviction: about("maxmemory_policy"), untold }))
    }

    /// Sends what a member sends to raise a version, so that it is seen whether that is allowed.
    async fn raise_by_nothing(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let version = CacheKeys::new(self.cache_key_prefix.clone()).version(NO_NUMBER);
        let raised = redis::cmd("INCRBY").arg(version).arg(NO_NUMBER).query_async::<()>(connection).await;
        match raised {
            Err(error) if error.to_string().contains(NOT_RAISED) => Ok(()),
            other => other,
        }
    }
}

fn in_words(error: &RedisError) -> String {
    shared_cache::refused(error).unwrap_or_else(|| error.to_string())
}

fn unusable(error: &RedisError) -> Unusable {
    let said = in_words(error);
    match error.code() {
        Some("NOPERM") => Unusable::Rights(said),
        Some("NOAUTH" | "WRONGPASS") => Unusable::Login(said),
        Some(_) => Unusable::Else(format!(
            "it takes no changes ({said}); look at its log, and let REDIS_URL lead to a server that may be written to"
        )),
        None if error.kind() == ErrorKind::AuthenticationFailed => Unusable::Login(said),
        None => Unusable::Else(said),
    }
}

/// The value in a line like `redis_version:7.0.15`.
fn value<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::ServerErrorKind;

    #[test]
    fn a_refusal_is_told_from_a_redis_that_is_away() {
        let check = |kind: ErrorKind, expected: fn(String) -> Unusable| {
            let error = RedisError::from((kind, "said"));
            let found = unusable(&error);
            assert_eq!(found, expected(error.to_string()));
        };
        check(ErrorKind::Server(ServerErrorKind::NoPerm), Unusable::Rights);
        check(ErrorKind::AuthenticationFailed, Unusable::Login);
        check(ErrorKind::Io, Unusable::Else);
        let replica = unusable(&RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), "said")));
        assert!(
            matches!(&replica, Unusable::Else(said) if said.contains("; look at its log")),
            "{replica:?}"
        );
    }

    #[test]
    fn what_redis_says_of_itself_is_read_line_by_line() {
        let said = "# Server\r\nredis_version:7.0.15\r\nredis_git:0\r\n\r\n# Memory\r\nmaxmemory_policy:allkeys-lru\r\n";
        let check = |name, expected| assert_eq!(value(said, name), expected, "{name}");
        check("redis_version", Some("7.0.15"));
        check("maxmemory_policy", Some("allkeys-lru"));
        check("maxmemory", None);
    }
}
