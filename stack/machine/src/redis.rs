//! How Redis will be had: the one that is given, else a local server, else none.

use crate::environment::Environment;
use std::path::PathBuf;

/// What is said where there is none.
pub const MISSING: &str = "REDIS_URL is not set and neither redis-server nor valkey-server is installed \
                                  (Debian: apt-get install redis-server); answers are cached in the query API's memory";

/// How Redis will be had.
#[derive(Debug)]
pub enum RedisPlan {
    /// `REDIS_URL` names one.
    Given(String),
    /// A server is installed.
    Local(PathBuf),
    /// None is.
    Missing,
}

impl RedisPlan {
    /// Looks at the environment and at what is installed.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        if let Some(url) = &environment.redis_url {
            return Self::Given(url.clone());
        }
        let installed = ["redis-server", "valkey-server"].into_iter().find_map(|name| environment.find(name));
        installed.map_or(Self::Missing, Self::Local)
    }

    /// What can't be shown this way.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        matches!(self, Self::Missing).then(|| format!("Redis: {MISSING}"))
    }
}
