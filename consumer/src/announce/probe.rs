//! One look at Redis, for `consumer doctor`. What it sets ends with its connection.

use super::Settings;
use redis::{AsyncConnectionConfig, RedisError};
use std::time::Duration;

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

impl Settings {
    /// Looks at Redis; `None` if there is none to be used.
    ///
    /// # Errors
    /// When it can't be reached or asked: a sentence.
    pub async fn look(&self, limit: Duration) -> Result<Option<RedisSeen>, String> {
        let seen = tokio::time::timeout(limit, self.seen(limit)).await;
        seen.unwrap_or_else(|_| Err(format!("no answer within {limit:?}")))
    }

    async fn seen(&self, limit: Duration) -> Result<Option<RedisSeen>, String> {
        let client = self.client().map_err(|bad| bad.0)?;
        let Some(client) = client else { return Ok(None) };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limit))
            .set_response_timeout(Some(limit));
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connected.map_err(in_words)?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(in_words)?;
        // A user that may not ask for it learns less.
        let said: Result<String, RedisError> = redis::cmd("INFO").query_async(&mut connection).await;
        let said = said.unwrap_or_default();
        let tracking = redis::cmd("CLIENT").arg("TRACKING").arg("ON").to_owned();
        let untold = tracking.query_async::<()>(&mut connection).await.err().map(in_words);
        let about = |name: &str| value(&said, name).unwrap_or_default().to_owned();
        Ok(Some(RedisSeen { version: about("redis_version"), eviction: about("maxmemory_policy"), untold }))
    }
}

fn in_words(error: RedisError) -> String {
    shared_cache::refused(&error).unwrap_or_else(|| error.to_string())
}

/// The value in a line like `redis_version:7.0.15`.
fn value<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_says_of_itself_is_read_line_by_line() {
        let said = "# Server\r\nredis_version:7.0.15\r\nredis_git:0\r\n\r\n# Memory\r\nmaxmemory_policy:allkeys-lru\r\n";
        let check = |name, expected| assert_eq!(value(said, name), expected, "{name}");
        check("redis_version", Some("7.0.15"));
        check("maxmemory_policy", Some("allkeys-lru"));
        check("maxmemory", None);
    }
}
