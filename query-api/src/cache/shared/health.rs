//! Whether Redis is reachable, as the last replies have shown.

use redis::RedisError;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether Redis is reachable. It isn't until a probe has reached it.
#[derive(Default)]
pub struct Health {
    up: AtomicBool,
}

impl Health {
    /// Whether Redis was reachable when it was last asked.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Takes the reply to a probe as the new state, and returns it.
    pub fn set(&self, reply: &Result<(), RedisError>) -> bool {
        let up = reply.is_ok();
        if self.up.swap(up, Ordering::Relaxed) != up {
            match reply {
                Ok(()) => tracing::info!("redis is reachable: answers are shared"),
                Err(error) => log_down(error),
            }
        }
        metrics::gauge!("query_api_redis_up").set(f64::from(u8::from(up)));
        up
    }

    /// The reply of a request; an error is counted, and may mean that Redis is unreachable.
    pub fn checked<T>(&self, reply: Result<T, RedisError>) -> Option<T> {
        reply.inspect_err(|error| self.note(error)).ok()
    }

    /// Redis is unreachable only if it doesn't reply: one that refuses a single command is still there.
    fn note(&self, error: &RedisError) {
        metrics::counter!("query_api_redis_errors_total").increment(1);
        let silent = error.is_io_error() || error.is_timeout() || error.is_connection_dropped();
        if silent && self.up.swap(false, Ordering::Relaxed) {
            metrics::gauge!("query_api_redis_up").set(0.0);
            log_down(error);
        }
    }
}

fn log_down(error: &RedisError) {
    tracing::warn!(%error, "redis is unreachable: answers are cached in this process only");
}
