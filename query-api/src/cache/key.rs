//! Under which keys an answer is kept. Pure.

use crate::cache::era::Era;
use crate::cache::versions::Version;
use crate::request::scope::Scope;
use domain::CacheKeys;
use std::fmt::{self, Write as _};
use std::sync::Arc;

/// The question that an answer is for, whatever the version.
#[derive(Clone, Debug)]
pub struct Key {
    /// The organization it is about.
    pub organization: Arc<str>,
    /// The kind of answer.
    pub scope: Scope,
    /// The canonical query, as [`crate::request::query::Query::key`] spells it.
    pub query: String,
}

impl Key {
    /// The key in this process of the answer under this version, or of the answer that has none, and this epoch.
    #[must_use]
    pub(crate) fn under(&self, Era { version, epoch }: Era) -> String {
        let mut key = String::with_capacity(self.organization.len() + self.query.len() + 40);
        match version {
            Some(Version { number, generation }) => write!(key, "{epoch}:{generation}:{number}:{self}"),
            None => write!(key, "{epoch}:-:{self}"),
        }
        .expect("text can be written to text");
        key
    }

    /// The key in Redis of the answer under `version`.
    #[must_use]
    pub fn shared(&self, keys: &CacheKeys, version: Version) -> String {
        keys.answer(&self.organization, self.scope.name(), version.number, &self.query)
    }
}

impl fmt::Display for Key {
    /// Unambiguous when read from the right, whatever colons an organization's id has: a query has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.organization, self.scope.name(), self.query)
    }
}
