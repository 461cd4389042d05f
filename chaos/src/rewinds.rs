//! Which partitions may go back now: a failover that loses commits, a restored backup and a reset take progress back.

use stack::wait::{self, Seen};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long PostgreSQL may take to be read again after a fault.
const LOOK_LIMIT: Duration = Duration::from_secs(60);
/// The first look may have begun before the fault was over.
const LOOKS: u64 = 2;

/// What goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole database.
    Database,
    /// A topic's partitions.
    Topic(String),
}

/// What may go back now, and how much has.
#[derive(Clone, Debug, Default)]
pub struct Rewinds(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    open: BTreeMap<u64, Scope>,
    next: u64,
    looks: u64,
    offsets: i64,
}

/// Partitions may go back until this is over.
#[derive(Debug)]
pub struct Rewind {
    rewinds: Rewinds,
    number: u64,
}

impl Rewinds {
    /// From now on these partitions may go back.
    #[must_use]
    pub fn open(&self, scope: Scope) -> Rewind {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, scope);
        Rewind { rewinds: self.clone(), number }
    }

    /// What may go back.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        self.lock().open.values().cloned().collect()
    }

    /// Notes a look at the progress, in which partitions had gone back by this many offsets in all.
    pub fn looked(&self, back: i64) {
        let mut state = self.lock();
        state.looks += 1;
        state.offsets += back;
    }

    /// By how many offsets partitions have gone back in all.
    #[must_use]
    pub fn offsets(&self) -> i64 {
        self.lock().offsets
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scope {
    /// Whether a topic's partitions are among it.
    #[must_use]
    pub fn covers(&self, topic: &str) -> bool {
        match self {
            Self::Database => true,
            Self::Topic(own) => own == topic,
        }
    }
}

impl Rewind {
    /// Ends it, once the progress has been seen after it.
    ///
    /// # Errors
    /// When PostgreSQL can't be read.
    pub async fn over(self) -> anyhow::Result<()> {
        let enough = self.rewinds.lock().looks + LOOKS;
        wait::until("the progress to be read again", LOOK_LIMIT, async || {
            let looks = self.rewinds.lock().looks;
            Ok(Seen::when(looks >= enough, "PostgreSQL doesn't answer"))
        })
        .await
    }
}

impl Drop for Rewind {
    fn drop(&mut self) {
        self.rewinds.lock().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_open_until_its_end() {
        let rewinds = Rewinds::default();
        let may = |topic: &str| rewinds.scopes().iter().any(|scope| scope.covers(topic));
        let reset = rewinds.open(Scope::Topic("a".to_owned()));
        assert!(may("a") && !may("b"));
        let restore = rewinds.open(Scope::Database);
        assert!(may("b"));
        drop(restore);
        assert!(may("a") && !may("b"));
        drop(reset);
        assert!(!may("a"));
    }
}
