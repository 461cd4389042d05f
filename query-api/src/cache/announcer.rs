//! Tells other instances that an organization's settings have changed: raises its version in Redis.

use crate::cache::outdated::Unraised;
use crate::cache::shared::Shared;
use crate::cache::versions::TRUST_MAX;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// After so long a version is raised again, if Redis hasn't confirmed it.
const RAISE_EVERY: Duration = Duration::from_millis(500);

/// Raises versions.
pub struct Announcer {
    shared: Option<Arc<Shared>>,
    /// How long answers are kept in Redis.
    ttl: Duration,
    unraised: Unraised,
}

impl Announcer {
    /// An announcer that has nothing to tell yet.
    pub fn new(shared: Option<Arc<Shared>>, ttl: Duration) -> Arc<Self> {
        Arc::new(Self { shared, ttl, unraised: Unraised::default() })
    }

    /// Whether Redis has yet to be told of the organization: until then its version there stands for other settings.
    pub fn passes_by(&self, organization: &str) -> bool {
        self.unraised.contains(organization)
    }

    /// Raises the organization's version, and waits until no instance trusts an older one. If Redis can't be told, this returns at
    /// once, and goes on trying.
    pub async fn announce(self: &Arc<Self>, organization: &Arc<str>) {
        let Some(shared) = self.shared.clone() else { return };
        if shared.raise_version(organization).await {
            // After that no instance trusts a version that it knew before.
            tokio::time::sleep(TRUST_MAX).await;
        } else if self.unraised.note(organization) {
            tracing::warn!("redis can't be told of changed settings: it is tried again");
            let (announcer, organization) = (Arc::clone(self), Arc::clone(organization));
            tokio::spawn(async move { announcer.go_on(&shared, &organization).await });
        }
    }

    /// Raises the version until Redis confirms it, or all answers that were kept in Redis before have expired; again for changes that
    /// were noted meanwhile.
    async fn go_on(&self, shared: &Shared, organization: &str) {
        let mut until = Instant::now() + self.ttl;
        loop {
            tokio::time::sleep(RAISE_EVERY).await;
            let changes = self.unraised.changes(organization);
            if shared.raise_version(organization).await || Instant::now() >= until {
                if self.unraised.end(organization, changes) {
                    return;
                }
                until = Instant::now() + self.ttl;
            }
        }
    }
}
