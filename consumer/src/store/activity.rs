//! What PostgreSQL is doing for a member right now, for people who ask why a partition stands still.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What each of a member's connections is doing. Shared by the stores and the watch.
#[derive(Clone, Default)]
pub struct Activity {
    work: Arc<Mutex<Works>>,
}

/// Unfinished work, by connection and by what it is.
type Works = BTreeMap<(&'static str, &'static str), Work>;

struct Work {
    since: Instant,
    /// The latest failure of this work, in words.
    failure: Option<String>,
}

impl Activity {
    /// The connection of this name begins to work, or tries again after a failure.
    pub(super) fn begin(&self, connection: &'static str, what: &'static str) {
        let fresh = || Work { since: Instant::now(), failure: None };
        self.locked().entry((connection, what)).or_insert_with(fresh);
    }

    /// Its work has failed, and is tried again.
    pub(super) fn failed(&self, connection: &'static str, what: &'static str, failure: &str) {
        if let Some(work) = self.locked().get_mut(&(connection, what)) {
            work.failure = Some(failure.to_owned());
        }
    }

    /// Its work is done.
    pub(super) fn end(&self, connection: &'static str, what: &'static str) {
        self.locked().remove(&(connection, what));
    }

    /// What PostgreSQL has not finished, in a sentence; `None` if it has nothing to do.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        let work = self.locked();
        let sentences = work.iter().map(|((_, what), Work { since, failure })| {
            let failure = failure.as_deref().map(|failure| format!(" ({failure})")).unwrap_or_default();
            format!("waiting for PostgreSQL, {what} for {} s{failure}", since.elapsed().as_secs())
        });
        let sentences: Vec<String> = sentences.collect();
        (!sentences.is_empty())
            .then(|| format!("{}; look for locks in pg_stat_activity", sentences.join(", ")))
    }

    fn locked(&self) -> MutexGuard<'_, Works> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
