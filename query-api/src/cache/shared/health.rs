//! Whether Redis is reachable, as the last replies have shown.

use redis::RedisError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether Redis is reachable. It isn't until a probe has reached it.
#[derive(Default)]
pub struct Health {
    up: AtomicBool,
    /// The certificate that the last probe was refused for, in a sentence.
    refused: Mutex<Option<String>>,
}

impl Health {
    /// Whether Redis was reachable when it was last asked.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// Takes the reply to a probe as the new state, and returns it.
    pub fn set(&self, reply: &Result<(), RedisError>) -> bool {
        let up = reply.is_ok();
        let refused = reply.as_ref().err().and_then(|error| shared_cache::refused(error));
        let is_new = refused != std::mem::replace(&mut *self.locked(), refused.clone());
        if self.up.swap(up, Ordering::Relaxed) != up || (is_new && refused.is_some()) {
            match reply {
                Ok(()) => tracing::info!("redis is reachable: answers are shared"),
                Err(error) => log_down(error),
            }
        }
        metrics::gauge!("query_api_redis_up").set(f64::from(u8::from(up)));
        up
    }

    /// The certificate that the last probe was refused for, in a sentence with a remedy.
    pub fn refused(&self) -> Option<String> {
        self.locked().clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
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
    let why = shared_cache::refused(error).unwrap_or_else(|| error.to_string());
    tracing::warn!(error = why, "redis is unreachable: answers are cached in this process only");
}
