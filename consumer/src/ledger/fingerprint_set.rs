//! A page's fingerprints in memory: an ordered hash set of 64-bit numbers.
//!
//! Fingerprints are uniform, so each is its own hash: scaled to the table's length, it is its home in the table. Slots are
//! kept in ascending order (ordered linear probing: Amble and Knuth, "Ordered hash tables", 1974). So a search for an absent
//! fingerprint ends early, a sorted batch walks the table forwards, and reading the table from start to end gives the sorted
//! array that PostgreSQL stores.

/// At most this share of the slots is filled; beyond it searches and shifts grow long.
const LOAD_MAX: (usize, usize) = (9, 10);
/// A table is rebuilt with this many homes for each fingerprint.
const ROOM: (usize, usize) = (4, 3);
/// Slots behind the last home, for fingerprints that are shifted past it.
const SPILL: usize = 64;

/// A set of fingerprints. 0 is not a fingerprint, and marks an empty slot.
#[derive(Clone, Debug, Default)]
pub struct FingerprintSet {
    slots: Vec<u64>,
    homes: usize,
    len: usize,
}

impl FingerprintSet {
    /// The set of `sorted` fingerprints, ascending. Repeats are ignored.
    #[must_use]
    pub fn from_sorted(sorted: &[u64]) -> Self {
        let mut set = Self::default();
        set.rebuild(sorted.len() * ROOM.0 / ROOM.1, sorted.iter().copied());
        set
    }

    /// How many fingerprints it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How much memory a new set of `len` fingerprints takes, in bytes.
    #[must_use]
    pub fn bytes_for(len: usize) -> usize {
        (len * ROOM.0 / ROOM.1 + SPILL) * size_of::<u64>()
    }

    /// How much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u64>()
    }

    /// Whether it has `fingerprint`.
    #[inline]
    #[must_use]
    pub fn contains(&self, fingerprint: u64) -> bool {
        let start = self.home(fingerprint);
        let slots = self.slots.get(start..).unwrap_or_default();
        slots.iter().find(|&&slot| slot == 0 || slot >= fingerprint) == Some(&fingerprint)
    }

    /// Adds `sorted` fingerprints, ascending. Those that it has are ignored.
    pub fn extend_sorted(&mut self, sorted: &[u64]) {
        let len = self.len + sorted.len();
        if len * LOAD_MAX.1 > self.homes * LOAD_MAX.0 {
            self.merge(sorted);
        } else {
            for (index, &fingerprint) in sorted.iter().enumerate() {
                if !self.insert(fingerprint) {
                    // The end of the table is full; a rebuild spreads it out.
                    return self.merge(&sorted[index..]);
                }
            }
        }
    }

    /// The fingerprints, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.slots.iter().copied().filter(|&slot| slot != 0)
    }

    #[inline]
    fn home(&self, fingerprint: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // less than `homes`
        let home = ((u128::from(fingerprint) * self.homes as u128) >> 64) as usize;
        home
    }

    /// Puts a fingerprint in its slot and shifts those after it; returns whether there was room.
    #[inline]
    fn insert(&mut self, fingerprint: u64) -> bool {
        let start = self.home(fingerprint);
        let Some(place) = self.slots[start..].iter().position(|&slot| slot == 0 || slot >= fingerprint)
        else {
            return false;
        };
        let place = start + place;
        if self.slots[place] == fingerprint {
            return true;
        }
        let Some(free) = self.slots[place..].iter().position(|&slot| slot == 0) else {
            return false;
        };
        self.slots.copy_within(place..place + free, place + 1);
        self.slots[place] = fingerprint;
        self.len += 1;
        true
    }

    fn merge(&mut self, sorted: &[u64]) {
        let old = std::mem::take(self);
        let capacity = (old.len + sorted.len()) * ROOM.0 / ROOM.1;
        self.rebuild(capacity, merged(old.iter(), sorted.iter().copied()));
    }

    fn rebuild(&mut self, homes: usize, ascending: impl Iterator<Item = u64>) {
        self.homes = homes.max(1);
        self.len = 0;
        self.slots = vec![0; self.homes + SPILL];
        let mut free = 0;
        let mut latest = 0;
        for fingerprint in ascending {
            if fingerprint == latest {
                continue;
            }
            let place = self.home(fingerprint).max(free);
            if place >= self.slots.len() {
                self.slots.resize(place + SPILL, 0);
            }
            self.slots[place] = fingerprint;
            (latest, free, self.len) = (fingerprint, place + 1, self.len + 1);
        }
    }
}

/// Fingerprints as the database stores them: an array of big-endian numbers.
#[must_use]
pub fn stored(fingerprints: &[u64]) -> Vec<u8> {
    fingerprints.iter().flat_map(|fingerprint| fingerprint.to_be_bytes()).collect()
}

/// The fingerprints of a stored array; `None` if its length is no multiple of 8.
#[must_use]
pub fn from_stored(bytes: &[u8]) -> Option<impl ExactSizeIterator<Item = u64>> {
    let (fingerprints, odd) = bytes.as_chunks::<{ size_of::<u64>() }>();
    odd.is_empty().then(|| fingerprints.iter().map(|bytes| u64::from_be_bytes(*bytes)))
}

/// Two ascending sequences, merged into one.
fn merged(a: impl Iterator<Item = u64>, b: impl Iterator<Item = u64>) -> impl Iterator<Item = u64> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if x <= y => a.next(),
        (Some(_), None) => a.next(),
        (_, Some(_)) => b.next(),
        (None, None) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Fingerprints that crowd at the start, in the middle and at the end of the table.
    fn crowded() -> impl Strategy<Value = u64> {
        prop_oneof![
            1u64..400,
            (u64::MAX - 400)..=u64::MAX,
            any::<u64>().prop_map(|n| n.max(1)),
            (1u64 << 40)..(1 << 40) + 99
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_set(rounds in prop::collection::vec(prop::collection::btree_set(crowded(), 0..200), 1..8), absent in crowded()) {
            let mut model = BTreeSet::new();
            let mut set = FingerprintSet::default();
            for round in rounds {
                prop_assert!(round.iter().all(|n| set.contains(*n) == model.contains(n)));
                set.extend_sorted(&round.iter().copied().collect::<Vec<_>>());
                model.extend(round);
                prop_assert_eq!(set.contains(absent), model.contains(&absent));
            }
            prop_assert!(model.iter().all(|&n| set.contains(n)));
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(set.len(), model.len());
        }
    }

    #[test]
    fn it_takes_nine_to_eleven_bytes_a_fingerprint() {
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1);
        let mut set = FingerprintSet::default();
        for step in 0..40u64 {
            let mut new: Vec<u64> = (step * 5_000 + 1..=(step + 1) * 5_000).map(spread).collect();
            new.sort_unstable();
            set.extend_sorted(&new);
        }
        assert_eq!(set.len(), 200_000);
        let each = set.bytes() / set.len();
        assert!((9..11).contains(&each), "{each} bytes");
    }
}
