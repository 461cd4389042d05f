//! Slots for what may run at once, limited in all and for each organization, so that none takes them all. Pure but for
//! its lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A limited number of slots.
pub struct Slots {
    max: usize,
    per_organization_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_organization: HashMap<Arc<str>, usize>,
}

/// A taken slot; dropping it frees it.
pub struct Slot {
    slots: Arc<Slots>,
    organization: Arc<str>,
}

/// Why there is no slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The organization has taken as many as it may.
    Organization,
    /// All slots are taken.
    All,
}

impl Slots {
    /// `max` slots, of which each organization may take `per_organization_max`.
    #[must_use]
    pub fn new(max: usize, per_organization_max: usize) -> Arc<Self> {
        Arc::new(Self { max, per_organization_max, taken: Mutex::default() })
    }

    /// Takes a slot for `organization`.
    ///
    /// # Errors
    /// When there is none; the variant says whose limit is reached.
    pub fn take(self: &Arc<Self>, organization: &Arc<str>) -> Result<Slot, Full> {
        let mut taken = self.taken();
        let own = taken.by_organization.get(organization).copied().unwrap_or_default();
        if own >= self.per_organization_max {
            return Err(Full::Organization);
        }
        if taken.all >= self.max {
            return Err(Full::All);
        }
        taken.all += 1;
        taken.by_organization.insert(Arc::clone(organization), own + 1);
        Ok(Slot { slots: Arc::clone(self), organization: Arc::clone(organization) })
    }

    /// How many slots are taken now.
    #[must_use]
    pub fn taken_now(&self) -> usize {
        self.taken().all
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.all -= 1;
        if let Some(own) = taken.by_organization.get_mut(&self.organization) {
            *own -= 1;
            if *own == 0 {
                taken.by_organization.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_and_for_no_organization_all() {
        let slots = Slots::new(3, 2);
        let (acme, beta): (Arc<str>, Arc<str>) = ("acme".into(), "beta".into());
        let first = slots.take(&acme).ok();
        let second = slots.take(&acme).ok();
        assert_eq!(slots.take(&acme).err(), Some(Full::Organization));
        let third = slots.take(&beta).ok();
        assert!(first.is_some() && second.is_some() && third.is_some());
        assert_eq!(slots.take(&beta).err(), Some(Full::All));
        drop(first);
        assert!(slots.take(&beta).is_ok());
        drop((second, third));
        assert_eq!(
            (slots.taken_now(), slots.taken().by_organization.len()),
            (0, 0),
            "nothing is kept of organizations without a slot"
        );
    }
}
