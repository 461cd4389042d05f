//! The trusted keys, the tokens they have verified, and for a moment those they haven't. Pure but for its locks.

use crate::request::token::claims::Verified;
use crate::request::token::keys::Key;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

/// How many verified tokens are remembered. At the limit all are forgotten; those in use are then verified once more.
pub(super) const VERIFIED_MAX: usize = 4_096;

/// How many refused tokens are remembered. At the limit all are forgotten.
pub(super) const REFUSED_MAX: usize = 4_096;

/// For how long a refused token is.
const REFUSED_FOR: TimeDelta = TimeDelta::seconds(10);

/// Keys, and the tokens they have verified. Other keys need another ring, which remembers no token.
pub struct KeyRing {
    keys: Vec<Key>,
    pub(super) verified: Mutex<HashMap<String, Verified>>,
    /// By a hash that nobody outside can foresee, since a refused token may be of any size: until when each is refused unread.
    pub(super) refused: Mutex<HashMap<u64, DateTime<Utc>>>,
    hasher: RandomState,
}

impl KeyRing {
    /// A ring of `keys` that have verified nothing yet.
    pub fn new(keys: Vec<Key>) -> Arc<Self> {
        let (verified, refused, hasher) = Default::default();
        Arc::new(Self { keys, verified, refused, hasher })
    }

    /// The keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The claims of `token`, if one of these keys has verified it.
    pub fn verified(&self, token: &str) -> Option<Verified> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Remembers that one of these keys has verified `token`.
    pub fn remember(&self, token: &str, verified: &Verified) {
        let mut all = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VERIFIED_MAX {
            all.clear();
        }
        all.insert(token.to_owned(), verified.clone());
    }

    /// Whether these keys have refused `token` a moment ago.
    pub fn refused(&self, token: &str, now: DateTime<Utc>) -> bool {
        let all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&self.hasher.hash_one(token)).is_some_and(|until| now < *until)
    }

    /// Remembers that none of these keys has verified `token`.
    pub fn refuse(&self, token: &str, now: DateTime<Utc>) {
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REFUSED_MAX {
            all.clear();
        }
        all.insert(self.hasher.hash_one(token), now + REFUSED_FOR);
    }
}
