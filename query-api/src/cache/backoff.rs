//! The pause after an organization's load has failed. Pure but for its lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the pause is.
pub const PAUSE: Duration = Duration::from_secs(1);

/// How many organizations' pauses are kept before those that have passed are swept.
const SWEEP_AT: usize = 10_000;

/// Until when each organization's loads pause.
#[derive(Default)]
pub struct Backoff {
    until: Mutex<HashMap<Arc<str>, Instant>>,
}

impl Backoff {
    /// Whether the organization may try to load now. At the end of a pause one request may, and begins the next pause for
    /// all others.
    pub fn may_try(&self, organization: &str, now: Instant) -> bool {
        let mut all = self.until();
        let Some(until) = all.get_mut(organization) else { return true };
        let may = *until <= now;
        if may {
            *until = now + PAUSE;
        }
        may
    }

    /// Begins a pause: the organization's load failed, or is slower than requests wait.
    pub fn begin(&self, organization: &Arc<str>, now: Instant) {
        let mut all = self.until();
        if all.len() >= SWEEP_AT {
            all.retain(|_, until| *until > now);
        }
        all.insert(Arc::clone(organization), now + PAUSE);
    }

    /// Ends the pause: a load of the organization succeeded.
    pub fn end(&self, organization: &str) {
        self.until().remove(organization);
    }

    fn until(&self) -> MutexGuard<'_, HashMap<Arc<str>, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_request_a_pause_finds_out() {
        let (backoff, acme, now) = (Backoff::default(), Arc::<str>::from("acme"), Instant::now());
        assert!(backoff.may_try("acme", now));
        backoff.begin(&acme, now);
        assert!(!backoff.may_try("acme", now));
        assert!(backoff.may_try("other", now), "another organization's load may succeed");
        assert!(backoff.may_try("acme", now + PAUSE));
        assert!(!backoff.may_try("acme", now + PAUSE), "one at a time");
        backoff.end("acme");
        assert!(backoff.may_try("acme", now + PAUSE));
    }
}
