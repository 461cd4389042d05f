//! What organizations took of their rates, at all instances: a theoretical arrival time each, added up by a script in Redis.
//!
//! The clock is Redis' own, so instances whose clocks differ agree. A time that has passed expires by itself.

use crate::request::rates::Taken;
use domain::CacheKeys;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use std::time::Duration;

/// How much an organization owes at most. Without a limit a clock that is set back would make somebody wait for as long.
const OWED_MAX: Duration = Duration::from_secs(60);

/// Adds to each key's arrival time what was taken, in microseconds, and returns how far ahead of now each one is then.
///
/// `%.0f`: Lua would round a number of 16 digits to 14.
const ADD: &str = "
    local clock = redis.call('TIME')
    local now = clock[1] * 1000000 + clock[2]
    local most = tonumber(ARGV[#KEYS + 1])
    local ahead = {}
    for i, key in ipairs(KEYS) do
        local arrival = now
        local kept = tonumber(redis.call('GET', key))
        if kept and kept > now then arrival = kept end
        arrival = math.min(arrival + ARGV[i], now + most)
        ahead[i] = arrival - now
        if ahead[i] > 0 then
            redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.ceil(ahead[i] / 1000))
        end
    end
    return ahead";

/// The script.
pub struct Adding(Script);

impl Adding {
    /// The script, which Redis gets when it doesn't know it.
    pub fn new() -> Self {
        Self(Script::new(ADD))
    }

    /// Adds what organizations took, and returns how far ahead of now the theoretical arrival time of each is then.
    ///
    /// # Errors
    /// When Redis doesn't reply, or refuses. It may have been added all the same.
    pub async fn add(
        &self,
        taken: &[Taken],
        keys: &CacheKeys,
        mut connection: ConnectionManager,
    ) -> Result<Vec<Duration>, RedisError> {
        let mut adding = self.0.prepare_invoke();
        for Taken { organization, time } in taken {
            adding.key(keys.rate(organization)).arg(microseconds(*time));
        }
        adding.arg(microseconds(OWED_MAX));
        let ahead: Vec<u64> = adding.invoke_async(&mut connection).await?;
        Ok(ahead.into_iter().map(Duration::from_micros).collect())
    }
}

/// Rounded up: what is a fraction of a microsecond is taken all the same.
fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}
