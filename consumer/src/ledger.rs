//! The ledger in memory: for each partition held, the pages touched lately.
//!
//! Why a cached page is right: a partition's pages change only in transactions that move its offset by compare-and-set,
//! and only this member's claim can pass that. So what was read after the claim, plus what this member committed
//! since, is what the database has: until the claim is lost, and then all of the partition's pages are forgotten.
//! Pages hold committed fingerprints only. A batch that is decided but not committed keeps its own.

use crate::fingerprint_set::FingerprintSet;
use crate::record::Partition;
use domain::Quarter;
use std::collections::{BTreeMap, HashMap};

/// A page's name: an identity can have been counted in this page only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageKey {
    /// The partition its records come from.
    pub partition: Partition,
    /// The quarter of an hour their identities lie in.
    pub quarter: Quarter,
}

/// The pages in memory, under a budget.
pub struct Ledger {
    pages: HashMap<PageKey, Page>,
    /// Pages by when they were used last, the longest unused first.
    uses: BTreeMap<u64, PageKey>,
    clock: u64,
    bytes: usize,
    budget: usize,
}

struct Page {
    committed: FingerprintSet,
    used: u64,
}

/// What an entry in the maps costs beside the fingerprints, roughly.
const PAGE_OVERHEAD_BYTES: usize = 192;

impl Ledger {
    /// A ledger of no pages, that keeps at most `budget` bytes of them.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { pages: HashMap::new(), uses: BTreeMap::new(), clock: 0, bytes: 0, budget }
    }

    /// How many pages it has.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// How much memory they take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the page is in memory.
    #[must_use]
    pub fn has(&self, key: PageKey) -> bool {
        self.pages.contains_key(&key)
    }

    /// The page's committed fingerprints, if it is in memory.
    pub fn page(&mut self, key: PageKey) -> Option<&FingerprintSet> {
        let now = self.tick();
        let page = self.pages.get_mut(&key)?;
        self.uses.remove(&page.used);
        self.uses.insert(now, key);
        page.used = now;
        Some(&page.committed)
    }

    /// Takes a page in, as the database has it, and evicts others while they exceed the budget.
    pub fn load(&mut self, key: PageKey, committed: FingerprintSet) {
        self.evict(key);
        let used = self.tick();
        self.bytes += committed.bytes() + PAGE_OVERHEAD_BYTES;
        self.uses.insert(used, key);
        self.pages.insert(key, Page { committed, used });
        self.shrink();
    }

    /// Remembers what a batch added to a page, once it is committed. A page not in memory will be read with it.
    pub fn committed(&mut self, key: PageKey, sorted: &[u64]) {
        if let Some(page) = self.pages.get_mut(&key) {
            self.bytes -= page.committed.bytes();
            page.committed.extend_sorted(sorted);
            self.bytes += page.committed.bytes();
            self.shrink();
        }
    }

    /// Forgets all pages of a partition: its claim is lost, or given back.
    pub fn forget(&mut self, partition: Partition) {
        let keys: Vec<_> = self.pages.keys().filter(|key| key.partition == partition).copied().collect();
        keys.into_iter().for_each(|key| self.evict(key));
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// All pages are clean, so any may go: the database has what they have.
    fn shrink(&mut self) {
        while self.bytes > self.budget {
            let Some((_, &oldest)) = self.uses.first_key_value() else { break };
            self.evict(oldest);
        }
    }

    fn evict(&mut self, key: PageKey) {
        if let Some(page) = self.pages.remove(&key) {
            self.uses.remove(&page.used);
            self.bytes -= page.committed.bytes() + PAGE_OVERHEAD_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Topic;

    fn key(number: i32, quarter: i64) -> PageKey {
        let partition = Partition { topic: Topic::Events, number };
        PageKey { partition, quarter: Quarter::of_second(quarter * 900).unwrap() }
    }

    fn filled(n: u64) -> FingerprintSet {
        FingerprintSet::from_sorted(&(1..=n).map(|i| i << 40).collect::<Vec<_>>())
    }

    #[test]
    fn the_longest_unused_page_goes_first_and_bytes_add_up() {
        let one = filled(1_000).bytes() + PAGE_OVERHEAD_BYTES;
        let mut ledger = Ledger::new(3 * one);
        for quarter in 0..3 {
            ledger.load(key(0, quarter), filled(1_000));
        }
        assert!(ledger.page(key(0, 0)).is_some());
        ledger.load(key(0, 3), filled(1_000));
        assert!(
            ledger.has(key(0, 0)) && !ledger.has(key(0, 1)) && ledger.has(key(0, 2)) && ledger.has(key(0, 3))
        );
        assert_eq!((ledger.pages(), ledger.bytes()), (3, 3 * one));
        ledger.forget(key(0, 0).partition);
        assert_eq!((ledger.pages(), ledger.bytes()), (0, 0));
    }

    #[test]
    fn a_page_that_outgrows_the_budget_alone_is_not_kept() {
        let mut ledger = Ledger::new(10_000);
        ledger.load(key(0, 0), filled(10));
        ledger.committed(key(0, 0), &(1..2_000u64).map(|i| (i << 40) + 1).collect::<Vec<_>>());
        assert_eq!((ledger.pages(), ledger.bytes()), (0, 0));
    }

    #[test]
    fn forgetting_a_partition_leaves_the_others() {
        let mut ledger = Ledger::new(1 << 20);
        ledger.load(key(0, 0), filled(10));
        ledger.load(key(1, 0), filled(10));
        ledger.forget(key(0, 0).partition);
        assert!(!ledger.has(key(0, 0)) && ledger.has(key(1, 0)));
    }
}
