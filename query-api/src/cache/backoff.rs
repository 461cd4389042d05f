//! The pause after a question's load has failed. Pure but for its lock.
//!
//! It is by question. That one question's rows can't be read in time says nothing of another's: a summary must not be stale
//! because an organization's insights are slow.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the pause is.
pub const PAUSE: Duration = Duration::from_secs(1);

/// How many questions' pauses are kept before those that have passed are swept.
const SWEEP_AT: usize = 10_000;

/// Until when each question's loads pause.
#[derive(Default)]
pub struct Backoff {
    until: Mutex<HashMap<String, Instant>>,
}

impl Backoff {
    /// Whether the question's rows may be loaded now. At the end of a pause one request may, and begins the next pause for
    /// all others.
    pub fn may_try(&self, question: &str, now: Instant) -> bool {
        let mut all = self.until();
        let Some(until) = all.get_mut(question) else { return true };
        let may = *until <= now;
        if may {
            *until = now + PAUSE;
        }
        may
    }

    /// Begins a pause: the question's load failed, or is slower than requests wait.
    pub fn begin(&self, question: String, now: Instant) {
        let mut all = self.until();
        if all.len() >= SWEEP_AT {
            all.retain(|_, until| *until > now);
        }
        // Full of pauses that last: as many loads have failed in a second, and one more is tried.
        if all.len() < SWEEP_AT || all.contains_key(&question) {
            all.insert(question, now + PAUSE);
        }
    }

    /// Ends the pause: a load of the question succeeded.
    pub fn end(&self, question: &str) {
        self.until().remove(question);
    }

    fn until(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_request_a_pause_finds_out() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        assert!(backoff.may_try("acme's insights", now));
        backoff.begin("acme's insights".into(), now);
        assert!(!backoff.may_try("acme's insights", now));
        assert!(backoff.may_try("acme's summary", now), "another question's load may succeed");
        assert!(backoff.may_try("acme's insights", now + PAUSE));
        assert!(!backoff.may_try("acme's insights", now + PAUSE), "one at a time");
        backoff.end("acme's insights");
        assert!(backoff.may_try("acme's insights", now + PAUSE));
    }

    #[test]
    fn so_many_pauses_are_kept_and_no_more() {
        let (backoff, now) = (Backoff::default(), Instant::now());
        (0..=SWEEP_AT).for_each(|n| backoff.begin(n.to_string(), now));
        assert_eq!(backoff.until().len(), SWEEP_AT);
        backoff.begin("later".into(), now + PAUSE);
        assert_eq!(backoff.until().len(), 1);
    }
}
