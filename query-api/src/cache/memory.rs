//! A bounded memory that is fair to organizations. Pure but for its lock.
//!
//! When it is full, the organization that keeps the most gives up what it hasn't used for longest. So an organization that
//! asks very many questions evicts its own answers, and one that is alone has all of the memory. What is asked for between
//! two evictions gets a second chance, so a read only sets a flag.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// What takes more than this part of the memory is not kept.
const LARGEST_PART: usize = 4;

/// How many second chances are given before something is evicted although it was used: an eviction takes bounded time.
const CHANCES_MAX: usize = 32;

/// How many values that have expired are dropped when one is kept, so that they don't wait for the memory to be full.
const SWEPT_MAX: usize = 8;

/// Values by key, each of an organization.
pub struct Memory<K, V> {
    state: RwLock<State<K, V>>,
    bytes_max: usize,
}

/// Whose a value is, what it takes, and until when it is kept at most.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The organization whose share it is a part of.
    pub organization: Arc<str>,
    /// What it takes.
    pub bytes: usize,
    /// When it expires.
    pub until: Instant,
}

struct State<K, V> {
    slots: HashMap<K, Slot<V>>,
    owners: BTreeMap<Arc<str>, Owner<K>>,
    /// The owners by what they keep.
    by_bytes: BTreeSet<(usize, Arc<str>)>,
    bytes: usize,
    /// The owner whose expired values were dropped last.
    swept: Option<Arc<str>>,
}

struct Slot<V> {
    value: V,
    terms: Terms,
    used: AtomicBool,
}

struct Owner<K> {
    bytes: usize,
    /// Its keys, the longest kept first. A key whose value has another owner by now is passed over.
    queue: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V: Clone> Memory<K, V> {
    /// A memory of so many megabytes.
    #[must_use]
    pub fn new(megabytes: u32) -> Self {
        Self { state: RwLock::default(), bytes_max: (megabytes as usize) << 20 }
    }

    /// The value of this key, unless it has expired.
    #[must_use]
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, now: Instant) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let slot = state.slots.get(key).filter(|slot| now < slot.terms.until)?;
        if !slot.used.load(Ordering::Relaxed) {
            slot.used.store(true, Ordering::Relaxed);
        }
        Some(slot.value.clone())
    }

    /// Keeps a value in the place of an earlier one of this key, unless it is too large.
    pub fn keep(&self, key: K, value: V, terms: Terms, now: Instant) {
        if terms.bytes > self.bytes_max / LARGEST_PART {
            return;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.put(key, Slot { value, terms, used: AtomicBool::new(false) });
        state.sweep(now);
        while state.bytes > self.bytes_max && state.evict(now) {}
    }
}

impl<K: Clone + Eq + Hash, V> State<K, V> {
    fn put(&mut self, key: K, slot: Slot<V>) {
        let Terms { organization, bytes, .. } = slot.terms.clone();
        let before = self.slots.insert(key.clone(), slot).map(|slot| slot.terms);
        let is_queued = before.as_ref().is_some_and(|before| before.organization == organization);
        if let Some(before) = before {
            self.resize(&before.organization, |all| all.saturating_sub(before.bytes));
        }
        self.resize(&organization, |all| all + bytes);
        if is_queued {
            // It stays where it was in the queue, although it is new.
            self.slots.get(&key).into_iter().for_each(|slot| slot.used.store(true, Ordering::Relaxed));
        } else if let Some(owner) = self.owners.get_mut(&organization) {
            owner.queue.push_back(key);
        }
    }

    /// Changes what an organization keeps. An owner is forgotten when its queue is empty, not before.
    fn resize(&mut self, organization: &Arc<str>, bytes: impl FnOnce(usize) -> usize) {
        let new = || Owner { bytes: 0, queue: VecDeque::new() };
        let owner = self.owners.entry(Arc::clone(organization)).or_insert_with(new);
        let before = owner.bytes;
        owner.bytes = bytes(before);
        self.bytes = self.bytes - before + owner.bytes;
        self.by_bytes.remove(&(before, Arc::clone(organization)));
        self.by_bytes.insert((owner.bytes, Arc::clone(organization)));
    }

    /// Evicts a value of the organization that keeps the most; `false` if there is none.
    fn evict(&mut self, now: Instant) -> bool {
        let Some((bytes, organization)) = self.by_bytes.last().cloned() else { return false };
        let mut chances = 0;
        while let Some(key) = self.next_of(&organization) {
            let slot = self.slots.get(&key);
            let has_chance = chances < CHANCES_MAX
                && slot
                    .is_some_and(|slot| now < slot.terms.until && slot.used.swap(false, Ordering::Relaxed));
            if has_chance {
                chances += 1;
                self.owners
                    .get_mut(&organization)
                    .into_iter()
                    .for_each(|own| own.queue.push_back(key.clone()));
            } else {
                self.remove(&key);
                self.forget_if_empty(&organization);
                return true;
            }
        }
        self.forget_if_empty(&organization);
        bytes > 0
    }

    /// Drops what has expired of the next organization in turn.
    fn sweep(&mut self, now: Instant) {
        let after = self.swept.as_deref().map_or(Unbounded, Excluded);
        let next = self.owners.range::<str, _>((after, Unbounded)).next().map(|(next, _)| Arc::clone(next));
        self.swept = next.clone();
        let Some(organization) = next else { return };
        for _ in 0..SWEPT_MAX {
            let Some(key) = self.next_of(&organization) else { break };
            if self.slots.get(&key).is_some_and(|slot| now < slot.terms.until) {
                self.owners
                    .get_mut(&organization)
                    .into_iter()
                    .for_each(|own| own.queue.push_front(key.clone()));
                break;
            }
            self.remove(&key);
        }
        self.forget_if_empty(&organization);
    }

    /// Takes the organization's next key out of its queue.
    fn next_of(&mut self, organization: &str) -> Option<K> {
        let queue = &mut self.owners.get_mut(organization)?.queue;
        let slots = &self.slots;
        let is_own = |key: &K| slots.get(key).is_some_and(|slot| *slot.terms.organization == *organization);
        while let Some(key) = queue.pop_front() {
            if is_own(&key) {
                return Some(key);
            }
        }
        None
    }

    fn remove(&mut self, key: &K) {
        if let Some(Slot { terms, .. }) = self.slots.remove(key) {
            self.resize(&terms.organization, |all| all.saturating_sub(terms.bytes));
        }
    }

    fn forget_if_empty(&mut self, organization: &Arc<str>) {
        if self.owners.get(organization).is_some_and(|owner| owner.queue.is_empty()) {
            let bytes = self.owners.remove(organization).map_or(0, |owner| owner.bytes);
            self.by_bytes.remove(&(bytes, Arc::clone(organization)));
        }
    }
}

impl<K, V> Default for State<K, V> {
    fn default() -> Self {
        Self {
            slots: HashMap::new(),
            owners: BTreeMap::new(),
            by_bytes: BTreeSet::new(),
            bytes: 0,
            swept: None,
        }
    }
}

#[cfg(test)]
mod tests;
