//! How Redis is obtained: a given server, else a local server, else none.

use crate::environment::Environment;
use std::path::PathBuf;

/// The message if there is none.
pub const MISSING: &str = "REDIS_URL is not set and neither redis-server nor valkey-server is installed \
                                  (Debian: apt-get install redis-server); answers are cached in the query API's memory";

/// How Redis is obtained.
#[derive(Debug)]
pub enum RedisPlan {
    /// `REDIS_URL` names a server.
    Given(String),
    /// A server is installed.
    Local(PathBuf),
    /// No server is installed.
    Missing,
}

impl RedisPlan {
    /// Checks the environment and the installed programs.
    #[must_use]
    pub fn find(environment: &Environment) -> Self {
        if let Some(url) = &environment.redis_url {
            return Self::Given(url.clone());
        }
        let installed = ["redis-server", "valkey-server"].into_iter().find_map(|name| environment.find(name));
        installed.map_or(Self::Missing, Self::Local)
    }

    /// What this way can't show.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        matches!(self, Self::Missing).then(|| format!("Redis: {MISSING}"))
    }
}
