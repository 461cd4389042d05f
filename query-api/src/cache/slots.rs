//! Places for what may be under way at once: so many in all, so many for each organization, so that none takes all. Pure
//! but for its lock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Places.
pub struct Places {
    all: usize,
    each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: HashMap<Arc<str>, usize>,
}

/// A place; dropping it makes room.
pub struct Place {
    places: Arc<Places>,
    organization: Arc<str>,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The organization has all that it may have.
    Organization,
    /// Nobody can have one.
    All,
}

impl Places {
    /// So many places in `all`, of which each organization may have `each`.
    #[must_use]
    pub fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { all, each, taken: Mutex::default() })
    }

    /// A place for `organization`.
    ///
    /// # Errors
    /// When there is none; the variant says for whom.
    pub fn take(self: &Arc<Self>, organization: &Arc<str>) -> Result<Place, Full> {
        let mut taken = self.taken();
        if taken.by.get(organization).is_some_and(|own| *own >= self.each) {
            return Err(Full::Organization);
        }
        if taken.all >= self.all {
            return Err(Full::All);
        }
        taken.all += 1;
        *taken.by.entry(Arc::clone(organization)).or_default() += 1;
        Ok(Place { places: Arc::clone(self), organization: Arc::clone(organization) })
    }

    /// How many are taken.
    #[must_use]
    pub fn taken_now(&self) -> usize {
        self.taken().all
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(own) = taken.by.get_mut(&self.organization) {
            *own -= 1;
            if *own == 0 {
                taken.by.remove(&self.organization);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_more_than_there_is_and_nobody_gets_all() {
        let places = Places::new(3, 2);
        let (acme, beta): (Arc<str>, Arc<str>) = ("acme".into(), "beta".into());
        let first = places.take(&acme).ok();
        let second = places.take(&acme).ok();
        assert_eq!(places.take(&acme).err(), Some(Full::Organization));
        let third = places.take(&beta).ok();
        assert!(first.is_some() && second.is_some() && third.is_some());
        assert_eq!(places.take(&beta).err(), Some(Full::All));
        drop(first);
        assert!(places.take(&beta).is_ok());
        drop((second, third));
        assert_eq!(
            (places.taken_now(), places.taken().by.len()),
            (0, 0),
            "nothing is remembered of who left"
        );
    }
}
