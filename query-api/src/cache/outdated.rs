//! Which organizations' answers are out of use since their settings were changed by this process. Pure but for its lock.
//!
//! An *epoch* is to settings what a version is to numbers: it is read before the rows, answers are kept under it, and it is raised
//! after the commit. It is this process's own, so it also holds while Redis is unreachable, and before Redis has told of the raised
//! version.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many organizations have an epoch of their own. At the limit all begin a new one, so none comes again.
const ORGANIZATIONS_MAX: usize = 10_000;

/// How many organizations' versions may be still to be raised. The answers of others are kept until their TTL is over.
const UNRAISED_MAX: usize = 1_000;

/// The organizations whose versions are still to be raised: nobody else's answers under these versions are right.
#[derive(Default)]
pub struct Unraised {
    count: AtomicUsize,
    organizations: Mutex<HashSet<Arc<str>>>,
}

impl Unraised {
    /// Whether the organization is among them.
    pub fn contains(&self, organization: &str) -> bool {
        // Every hit asks, and hardly ever is there one.
        self.count.load(Ordering::Acquire) > 0 && self.organizations().contains(organization)
    }

    /// Takes the organization in; false if it is among them already, or there are too many.
    pub fn insert(&self, organization: &Arc<str>) -> bool {
        let mut organizations = self.organizations();
        let is_new = organizations.len() < UNRAISED_MAX && organizations.insert(Arc::clone(organization));
        self.count.store(organizations.len(), Ordering::Release);
        is_new
    }

    /// Takes the organization out.
    pub fn remove(&self, organization: &str) {
        let mut organizations = self.organizations();
        organizations.remove(organization);
        self.count.store(organizations.len(), Ordering::Release);
    }

    fn organizations(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.organizations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The organizations' epochs.
#[derive(Default)]
pub struct Epochs {
    /// The last one that was begun; 0 as long as no settings were changed.
    last: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    by_organization: HashMap<Arc<str>, u64>,
    /// That of all others.
    others: u64,
}

impl Epochs {
    /// The organization's epoch.
    pub fn of(&self, organization: &str) -> u64 {
        // Most processes never change settings, and every hit asks.
        if self.last.load(Ordering::Acquire) == 0 {
            return 0;
        }
        let state = self.state();
        state.by_organization.get(organization).copied().unwrap_or(state.others)
    }

    /// Begins a new epoch of the organization.
    pub fn raise(&self, organization: &Arc<str>) {
        let mut state = self.state();
        let epoch = self.last.load(Ordering::Relaxed) + 1;
        if state.by_organization.len() >= ORGANIZATIONS_MAX {
            state.by_organization.clear();
            state.others = epoch;
        }
        state.by_organization.insert(Arc::clone(organization), epoch);
        // Only now: whoever sees it asks for the organization's.
        self.last.store(epoch, Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_the_limit_all_begin_a_new_epoch() {
        let epochs = Epochs::default();
        let acme = Arc::<str>::from("acme");
        assert_eq!(epochs.of("acme"), 0);
        epochs.raise(&acme);
        assert_eq!((epochs.of("acme"), epochs.of("other")), (1, 0));
        for number in 1..=ORGANIZATIONS_MAX {
            epochs.raise(&number.to_string().into());
        }
        assert!(epochs.of("acme") > 1 && epochs.of("other") == epochs.of("acme"));
        assert_eq!(epochs.state().by_organization.len(), 1);
    }

    #[test]
    fn an_organization_is_raised_by_one_at_a_time() {
        let (unraised, acme) = (Unraised::default(), Arc::<str>::from("acme"));
        assert!(!unraised.contains("acme"));
        assert!(unraised.insert(&acme) && !unraised.insert(&acme));
        assert!(unraised.contains("acme") && !unraised.contains("beta"));
        unraised.remove("acme");
        assert!(!unraised.contains("acme") && unraised.insert(&acme));
        assert!((1..UNRAISED_MAX).all(|number| unraised.insert(&number.to_string().into())));
        assert!(!unraised.insert(&"one too many".into()));
    }

    proptest! {
        /// No epoch of an organization that is over ever comes again, whoever's are raised.
        #[test]
        fn epochs_only_rise(raised in prop::collection::vec(0..3usize, 0..40)) {
            let epochs = Epochs::default();
            let names = ["a", "b", "c"].map(Arc::<str>::from);
            let mut before = names.clone().map(|name| epochs.of(&name));
            for place in raised {
                epochs.raise(&names[place]);
                let after = names.clone().map(|name| epochs.of(&name));
                for (at, (before, after)) in before.iter().zip(&after).enumerate() {
                    let (is_raised, rises) = (at == place, after > before);
                    prop_assert!(is_raised == rises && after >= before);
                }
                before = after;
            }
        }
    }
}
