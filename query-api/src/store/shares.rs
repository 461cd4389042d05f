//! Each organization's share of the loads under way: who has used it up waits for a turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many turns at once for each organization.
pub struct Shares {
    each: usize,
    /// Of the organizations that have a turn, or wait for one.
    free: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

/// An organization's turn to load. It lasts until the answer is composed and nothing of the load is left in PostgreSQL: until its last clone
/// is dropped.
pub struct Turn {
    shares: Arc<Shares>,
    organization: Arc<str>,
    /// `None` while the turn is waited for.
    permit: Option<OwnedSemaphorePermit>,
}

impl Shares {
    /// `each` turns for each organization.
    pub fn new(each: u16) -> Arc<Self> {
        Arc::new(Self { each: each.into(), free: Mutex::default() })
    }

    /// A turn for the organization, once it has fewer than its share. Those who wait get turns in the order in which they came.
    pub async fn turn(self: &Arc<Self>, organization: &str) -> Turn {
        let (mut turn, free) = self.awaited(organization);
        turn.permit = Some(free.acquire_owned().await.expect("the semaphore is never closed"));
        turn
    }

    fn awaited(self: &Arc<Self>, organization: &str) -> (Turn, Arc<Semaphore>) {
        let mut all = self.free();
        let organization =
            all.get_key_value(organization).map_or_else(|| organization.into(), |(id, _)| Arc::clone(id));
        let free =
            all.entry(Arc::clone(&organization)).or_insert_with(|| Arc::new(Semaphore::new(self.each)));
        let free = Arc::clone(free);
        (Turn { shares: Arc::clone(self), organization, permit: None }, free)
    }

    fn free(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Semaphore>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whose turn it is.
    pub fn organization(&self) -> &str {
        &self.organization
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.permit = None;
        let mut all = self.shares.free();
        // The map's own: nobody of the organization has a turn or waits for one.
        if all.get(&self.organization).is_some_and(|free| Arc::strong_count(free) == 1) {
            all.remove(&self.organization);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn an_organization_has_its_share_and_no_more() {
        let shares = Shares::new(2);
        let acme = || shares.turn("acme");
        let (first, second) = (acme().await, acme().await);
        let mut third = Box::pin(acme());
        assert!((&mut third).now_or_never().is_none(), "it waits");
        let other = shares.turn("other").now_or_never().expect("another organization's share is its own");
        drop(first);
        let third = third.await;
        let mut fourth = Box::pin(acme());
        assert!((&mut fourth).now_or_never().is_none());
        drop((second, third, other));
        assert!((&mut fourth).now_or_never().is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_organizations_without_a_turn() {
        let shares = Shares::new(1);
        let turn = shares.turn("acme").await;
        let mut waiting = Box::pin(shares.turn("acme"));
        assert!((&mut waiting).now_or_never().is_none());
        drop(turn);
        assert_eq!(shares.free().len(), 1, "somebody waits");
        drop(waiting);
        assert_eq!(shares.free().len(), 0);
    }
}
