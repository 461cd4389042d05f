//! The pages in memory, kept under a budget of bytes. Pure.

use crate::ledger::filter::FILTERED_MIN;
use crate::ledger::fingerprint_set::FingerprintSet;
use crate::ledger::known::{Known, Step};
use crate::ledger::page_filter::PageFilter;
use crate::ledger::policy::{self, Demand, REPEATS, Room};
use crate::ledger::segment::PageKey;
use crate::ledger::stored_page::{PageRead, Size};
use crate::record::Partition;
use std::collections::{BTreeMap, HashMap};

/// Approximate memory of a page's entries in the maps, without [`Known`]'s own.
const ENTRY_BYTES: usize = 192;

/// Pages by key, and by worth: the least worth goes a step down first. `bytes` is the sum of all pages' bytes.
pub struct Pages {
    by_key: HashMap<PageKey, Page>,
    /// Least worth first.
    by_worth: BTreeMap<Rank, PageKey>,
    budget: usize,
    bytes: usize,
    latest_number: u64,
}

/// A page in memory.
pub struct Page {
    /// What is known of it.
    pub known: Known,
    /// How large it is in the database.
    pub size: Size,
    /// How many of its fingerprints are asked for.
    pub demand: Demand,
    /// Fingerprints looked up in the database since it was read last.
    pub lookups: usize,
    rank: Rank,
}

/// What a page is worth, and a number that no other page has.
type Rank = (i64, u64);

impl Pages {
    pub fn new(budget: usize) -> Self {
        let (by_key, by_worth) = (HashMap::new(), BTreeMap::new());
        Self { by_key, by_worth, budget, bytes: 0, latest_number: 0 }
    }

    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn get(&self, key: PageKey) -> Option<&Page> {
        self.by_key.get(&key)
    }

    /// The room for one more page.
    pub fn room(&self) -> Room {
        Room {
            free: self.budget.saturating_sub(self.bytes + ENTRY_BYTES),
            least_worth: self.by_worth.first_key_value().map_or(i64::MIN, |((worth, _), _)| *worth),
        }
    }

    /// Notes how large a page is, unless it is known.
    pub fn note_size(&mut self, key: PageKey, size: Size) {
        if self.get(key).is_none() {
            let known = if size.stored == 0 { Known::Whole(FingerprintSet::default()) } else { Known::Sized };
            self.put(key, known, size, Demand::INITIAL);
        }
    }

    /// Adds `fingerprints` that are asked for to a page's demand.
    pub fn note_demand(&mut self, key: PageKey, fingerprints: usize, round: u64) {
        if let Some(mut page) = self.remove(key) {
            page.demand = page.demand.plus(fingerprints, round);
            self.insert(key, page);
        }
    }

    /// Adds `fingerprints` that are looked up to a page's count of lookups.
    pub fn note_lookups(&mut self, key: PageKey, fingerprints: usize) {
        if let Some(page) = self.by_key.get_mut(&key) {
            page.lookups += fingerprints;
        }
    }

    /// Keeps a page that was read: whole if all its fingerprints were read and there is room, otherwise as a filter.
    pub fn load(&mut self, key: PageKey, page: PageRead) {
        let size = page.size();
        let PageRead { filters, others } = page;
        let demand = self.remove(key).map_or(Demand::INITIAL, |page| page.demand);
        let has_room = || self.room().has_for(demand, REPEATS, FingerprintSet::bytes_for(others.len()));
        let known = if filters.is_empty() && (others.len() < FILTERED_MIN || has_room()) {
            Known::Whole(FingerprintSet::from_sorted(&others))
        } else {
            Known::Filtered(PageFilter::of(filters, &others))
        };
        self.put(key, known, size, demand);
    }

    /// Adds fingerprints, ascending, to a page.
    pub fn extend(&mut self, key: PageKey, sorted: &[u64]) {
        let Some(mut page) = self.remove(key) else { return };
        page.known.extend(sorted);
        page.size.stored += sorted.len();
        page.size.read += sorted.len();
        self.insert(key, page);
        self.shrink();
    }

    /// Forgets a partition's pages.
    pub fn forget(&mut self, partition: Partition) {
        let keys: Vec<_> = self.by_key.keys().filter(|key| key.partition == partition).copied().collect();
        keys.into_iter().for_each(|key| drop(self.remove(key)));
    }

    fn put(&mut self, key: PageKey, known: Known, size: Size, demand: Demand) {
        self.insert(key, Page { known, size, demand, lookups: 0, rank: (0, 0) });
        self.shrink();
    }

    fn insert(&mut self, key: PageKey, mut page: Page) {
        self.latest_number += 1;
        page.rank = (page.worth(), self.latest_number);
        self.bytes += page.bytes();
        self.by_worth.insert(page.rank, key);
        self.by_key.insert(key, page);
    }

    fn remove(&mut self, key: PageKey) -> Option<Page> {
        let page = self.by_key.remove(&key)?;
        self.by_worth.remove(&page.rank);
        self.bytes -= page.bytes();
        Some(page)
    }

    /// While the budget is exceeded, moves the page with the least worth a step down.
    fn shrink(&mut self) {
        while self.bytes > self.budget {
            let Some((_, &least)) = self.by_worth.first_key_value() else { break };
            let Some(Page { known, size, demand, lookups, rank }) = self.remove(least) else { break };
            if let Some(known) = known.step_down() {
                self.insert(least, Page { known, size, demand, lookups, rank });
            }
        }
    }
}

impl Page {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.known.bytes()
    }

    /// The worth of the bytes that its next step down would free.
    fn worth(&self) -> i64 {
        let Step { answered, bytes } = self.known.last_step(ENTRY_BYTES);
        policy::worth(self.demand, answered, bytes)
    }
}
