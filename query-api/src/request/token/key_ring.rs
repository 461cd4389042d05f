//! The trusted keys, and the tokens they have verified. Pure but for its lock.

use crate::request::token::claims::Verified;
use crate::request::token::keys::Key;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many verified tokens are remembered. At the limit all are forgotten; those in use are then verified once more.
pub(super) const VERIFIED_MAX: usize = 4_096;

/// Keys, and the tokens they have verified. Other keys need another ring, which remembers no token.
pub struct KeyRing {
    keys: Vec<Key>,
    pub(super) verified: Mutex<HashMap<String, Verified>>,
}

impl KeyRing {
    /// A ring of `keys` that have verified nothing yet.
    pub fn new(keys: Vec<Key>) -> Arc<Self> {
        Arc::new(Self { keys, verified: Mutex::default() })
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
}
