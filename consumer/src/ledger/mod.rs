//! The ledger in memory: what a member knows of the pages of the partitions it holds.
//!
//! A page is known as well as memory allows and its use deserves: whole; or by a filter, which says of most
//! fingerprints that the page lacks them and leaves the others to be looked up; or only by its size. Whatever was read
//! of it is clean, so it may be known less well at any time. The *tail* of a partition, what small batches added and
//! the database keeps beside the pages, is always whole, and bounded.
//!
//! Why it is right: a partition's pages and tail change only in transactions that move its offset by compare-and-set,
//! and only this member's claim can pass that. So what was read after the claim, plus what this member committed
//! since, is what the database has: until the claim is lost, and then all of the partition is forgotten.

pub mod filter;
pub mod fingerprint_set;
pub mod segment;
pub mod tail;

use crate::record::Partition;
use filter::{FILTERED_MIN, Filter, Filters};
use fingerprint_set::FingerprintSet;
use segment::PageKey;
use std::collections::{BTreeMap, HashMap};
use tail::Tail;

/// What decides how a page is read. A reader may turn memory; the others are measured, and tests make them small.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Bytes of pages in memory.
    pub budget: usize,
    /// Looking one fingerprint up costs as much as reading so many in a row.
    pub lookup_cost: usize,
    /// A batch's share of a page becomes a segment of its own from so many fingerprints on; less goes to the tail.
    pub segment_min: usize,
    /// Batches in a tail; then it is filed into the pages.
    pub tail_runs_max: usize,
    /// Fingerprints in a tail; then it is filed into the pages.
    pub tail_len_max: usize,
}

impl Tuning {
    /// As measured with PostgreSQL 15 on the same machine: 18 µs a lookup through `substring`, 50 ns a fingerprint of a
    /// page that is read whole and made a filter of. A page that was asked for so often will be asked for again, so it is
    /// read when half as much has been spent on it.
    #[must_use]
    pub fn with_budget(budget: usize) -> Self {
        Self { budget, lookup_cost: 700, segment_min: 512, tail_runs_max: 512, tail_len_max: 1 << 17 }
    }
}

/// How large a page is in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Fingerprints.
    pub stored: usize,
    /// What reading it costs, in fingerprints: of a segment with a filter that alone is read.
    pub read: usize,
}

impl Size {
    /// Of a page without stored filters.
    #[must_use]
    pub fn plain(stored: usize) -> Self {
        Self { stored, read: stored }
    }
}

/// A page as the database has it: the filters of its large segments, and all fingerprints of the others.
#[derive(Clone, Debug, Default)]
pub struct PageRead {
    /// What the filters are of is not read.
    pub filters: Vec<Filter>,
    /// Ascending.
    pub others: Vec<u64>,
}

impl PageRead {
    /// Whether the page may have the fingerprint; `false` is sure.
    #[must_use]
    pub fn may_contain(&self, fingerprint: u64) -> bool {
        self.others.binary_search(&fingerprint).is_ok()
            || self.filters.iter().any(|filter| filter.may_contain(fingerprint))
    }
}

/// How a page is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// All fingerprints, also of segments that have a filter.
    pub whole: bool,
    /// What it costs, in fingerprints.
    pub cost: usize,
}

/// What the database must be asked to decide records of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing: memory answers.
    Nothing,
    /// The page.
    Page(Reading),
    /// These fingerprints, ascending: whether the page has them. Of all others memory knows that it doesn't.
    Fingerprints(Vec<u64>),
}

/// The pages in memory, under a budget, and the tails.
pub struct Ledger {
    pages: HashMap<PageKey, Page>,
    /// The pages by what their last step is worth, the least first.
    worth: BTreeMap<(i64, u64), PageKey>,
    tails: BTreeMap<Partition, Tail>,
    tuning: Tuning,
    round: u64,
    serial: u64,
    bytes: usize,
}

struct Page {
    known: Known,
    size: Size,
    /// How often it was asked for, the past counting less: the logarithm, as of round 0.
    asked: f64,
    /// Lookups in the database since it was last read.
    lookups: usize,
    place: (i64, u64),
}

/// What memory knows for sure of a page.
#[derive(Clone, Copy)]
pub struct KnownPage<'a> {
    whole: Option<&'a FingerprintSet>,
    tail: Option<&'a FingerprintSet>,
}

impl KnownPage<'_> {
    /// Whether it is known that the page has the fingerprint.
    #[inline]
    #[must_use]
    pub fn contains(&self, fingerprint: u64) -> bool {
        let has = |set: Option<&FingerprintSet>| set.is_some_and(|set| set.contains(fingerprint));
        has(self.whole) || has(self.tail)
    }
}

enum Known {
    Whole(FingerprintSet),
    Filtered(Filters),
    Sized,
}

/// What an entry in the maps costs beside what is known of it, roughly.
const PAGE_OVERHEAD_BYTES: usize = 192;
/// After so many batches, what a page was asked for counts half.
const HALF_LIFE_ROUNDS: f64 = 4.0;
/// This share of what a page is asked for is taken to be repeats: only a page known whole answers them.
const REPEATS: f64 = 1.0 / 16.0;
/// Worth is compared in steps of a 1,024th of a power of two.
const WORTH_STEPS: f64 = 1_024.0;
/// A page takes the place of one that is worth half as much, not less: otherwise equals would drive each other out.
const WORTH_MARGIN: i64 = 1_024;

impl Ledger {
    /// A ledger that knows nothing yet.
    #[must_use]
    pub fn new(tuning: Tuning) -> Self {
        let (pages, worth, tails) = (HashMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { pages, worth, tails, tuning, round: 0, serial: 0, bytes: 0 }
    }

    /// How many pages it knows something of.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// How much memory pages and tails take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes + self.tail_bytes()
    }

    /// What decides how pages are read.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// Begins a batch: what was asked for before counts a little less.
    pub fn next_round(&mut self) {
        self.round += 1;
    }

    /// Whether it knows how large the page is.
    #[must_use]
    pub fn has(&self, key: PageKey) -> bool {
        self.pages.contains_key(&key)
    }

    /// Takes note of how large a page is that it knew nothing of.
    pub fn sized(&mut self, key: PageKey, size: Size) {
        let known = if size.stored == 0 { Known::Whole(FingerprintSet::default()) } else { Known::Sized };
        self.put(key, known, size, 0.0);
    }

    /// What must be asked to decide `fingerprints`, ascending, of this page; `size` is its size in the database, for
    /// a page it knew nothing of when sizes were asked. One it has forgotten since has any size: all is looked up.
    pub fn ask(&mut self, key: PageKey, fingerprints: &[u64], size: Option<Size>) -> Ask {
        if !self.has(key) {
            match size {
                Some(size) => self.sized(key, size),
                None => return self.look_up_all(key, fingerprints),
            }
        }
        let size = size.unwrap_or_default();
        self.use_of(key, fingerprints.len());
        let (size, filters) = match self.pages.get(&key) {
            Some(Page { known: Known::Whole(_), .. }) => return Ask::Nothing,
            Some(Page { known: Known::Filtered(filters), size, .. }) => (*size, Some(filters)),
            Some(Page { known: Known::Sized, size, .. }) => (*size, None),
            // One that is worth less than all others is not even remembered by its size.
            None => (size, None),
        };
        let known_by_filters = filters.is_some();
        let known = self.known(key);
        let passes = |n: &u64| filters.is_none_or(|filters| filters.may_contain(*n)) && !known.contains(*n);
        let unknown: Vec<u64> = fingerprints.iter().copied().filter(passes).collect();
        if unknown.is_empty() {
            return Ask::Nothing;
        }
        let reading = if self.deserves_whole(key, fingerprints.len(), size) {
            Some(Reading { whole: true, cost: size.stored })
        } else {
            self.reading(key, unknown.len(), size, known_by_filters)
        };
        reading.map_or(Ask::Fingerprints(unknown), Ask::Page)
    }

    fn look_up_all(&self, key: PageKey, fingerprints: &[u64]) -> Ask {
        let known = self.known(key);
        let unknown: Vec<u64> = fingerprints.iter().copied().filter(|n| !known.contains(*n)).collect();
        if unknown.is_empty() { Ask::Nothing } else { Ask::Fingerprints(unknown) }
    }

    /// What memory knows for sure of the page's fingerprints.
    #[must_use]
    pub fn known(&self, key: PageKey) -> KnownPage<'_> {
        let whole = match self.pages.get(&key).map(|page| &page.known) {
            Some(Known::Whole(set)) => Some(set),
            Some(Known::Filtered(_) | Known::Sized) | None => None,
        };
        KnownPage { whole, tail: self.tails.get(&key.partition).and_then(|tail| tail.page(key.quarter)) }
    }

    /// Takes in what was read of a page, and keeps as much of it as it is worth.
    pub fn load(&mut self, key: PageKey, page: PageRead) {
        let PageRead { filters, others } = page;
        let (asked, size) = self.remove(key).map_or((0.0, None), |page| (page.asked, Some(page.size)));
        let whole =
            filters.is_empty() && self.has_room_for(asked, REPEATS, FingerprintSet::bytes_for(others.len()));
        // A page without filters is as large as what was read; of another its size was asked.
        let size = size.filter(|_| !filters.is_empty()).unwrap_or_else(|| Size::plain(others.len()));
        let known = if whole || filters.is_empty() && others.len() < FILTERED_MIN {
            Known::Whole(FingerprintSet::from_sorted(&others))
        } else {
            Known::Filtered(Filters::of(filters, &others))
        };
        self.put(key, known, size, asked);
    }

    /// Remembers what a batch added to a page, once it is committed.
    pub fn committed(&mut self, key: PageKey, sorted: &[u64]) {
        let Some(mut page) = self.remove(key) else { return };
        match &mut page.known {
            Known::Whole(set) => set.extend_sorted(sorted),
            Known::Filtered(filters) => {
                if !filters.extend(sorted) {
                    page.known = Known::Sized;
                }
            }
            Known::Sized => {}
        }
        page.size.stored += sorted.len();
        page.size.read += sorted.len();
        self.place(key, page);
        self.shrink();
    }

    /// The partition's tail.
    #[must_use]
    pub fn tail(&self, partition: Partition) -> &Tail {
        const EMPTY: &Tail = &Tail::EMPTY;
        self.tails.get(&partition).unwrap_or(EMPTY)
    }

    /// The partition's tail, to be changed as the database was.
    pub fn tail_mut(&mut self, partition: Partition) -> &mut Tail {
        self.tails.entry(partition).or_default()
    }

    /// How much memory the tails take, in bytes.
    #[must_use]
    pub fn tail_bytes(&self) -> usize {
        self.tails.values().map(Tail::bytes).sum()
    }

    /// Forgets all of a partition: its claim is lost, or given back.
    pub fn forget(&mut self, partition: Partition) {
        let keys: Vec<_> = self.pages.keys().filter(|key| key.partition == partition).copied().collect();
        keys.into_iter().for_each(|key| drop(self.remove(key)));
        self.tails.remove(&partition);
    }

    /// Whether the repeats among so many fingerprints, which filters let pass, would cost more to look up than to read
    /// the page whole; and whether there is room for it. One that would fill half the budget is never read.
    fn deserves_whole(&self, key: PageKey, fingerprints: usize, size: Size) -> bool {
        #[allow(clippy::cast_precision_loss)] // an estimate
        let pays = fingerprints as f64 * REPEATS * self.tuning.lookup_cost as f64 >= size.stored as f64;
        let asked = self.pages.get(&key).map_or(f64::MIN, |page| page.asked);
        let room = || self.has_room_for(asked, REPEATS, FingerprintSet::bytes_for(size.stored));
        pays && self.fits(size.stored) && room()
    }

    /// How to read the page, if that costs less than looking so many fingerprints up: these alone, or with those of
    /// earlier batches if there is room to keep what is read. Its filters are not read again.
    fn reading(
        &mut self,
        key: PageKey,
        lookups: usize,
        size: Size,
        known_by_filters: bool,
    ) -> Option<Reading> {
        let (mut asked, mut all) = (f64::MIN, lookups);
        if let Some(page) = self.pages.get_mut(&key) {
            page.lookups += lookups;
            (asked, all) = (page.asked, page.lookups);
        }
        let pays = |lookups: usize| lookups * self.tuning.lookup_cost >= size.read;
        let room = || self.has_room_for(asked, Filters::DENIED_MIN, Filters::bytes_min(size.stored));
        let whole = size.read == size.stored;
        let better = whole || !known_by_filters;
        let reads = better && self.fits(size.read) && (pays(lookups) || pays(all) && room());
        reads.then_some(Reading { whole, cost: size.read })
    }

    /// Whether so many fingerprints may be read.
    fn fits(&self, fingerprints: usize) -> bool {
        2 * size_of::<u64>() * fingerprints <= self.tuning.budget
    }

    /// Whether so many bytes would be kept of a page, if they answer this share of what it is asked for: there is room,
    /// or some that is worth less.
    fn has_room_for(&self, asked: f64, share: f64, bytes: usize) -> bool {
        let free = self.bytes + bytes + PAGE_OVERHEAD_BYTES <= self.tuning.budget;
        let least = self.worth.first_key_value().map_or(i64::MIN, |((worth, _), _)| *worth);
        free || worth(asked, share, bytes) > least.saturating_add(WORTH_MARGIN)
    }

    fn use_of(&mut self, key: PageKey, times: usize) {
        let Some(mut page) = self.remove(key) else { return };
        #[allow(clippy::cast_precision_loss)] // an estimate
        let now = (times as f64).log2() + self.round as f64 / HALF_LIFE_ROUNDS;
        let (more, less) = if page.asked > now { (page.asked, now) } else { (now, page.asked) };
        page.asked = more + (less - more).exp2().ln_1p() / std::f64::consts::LN_2;
        self.place(key, page);
    }

    fn put(&mut self, key: PageKey, known: Known, size: Size, asked: f64) {
        self.place(key, Page { known, size, asked, lookups: 0, place: (0, 0) });
        self.shrink();
    }

    fn place(&mut self, key: PageKey, mut page: Page) {
        self.serial += 1;
        page.place = (page.worth(), self.serial);
        self.bytes += page.bytes();
        self.worth.insert(page.place, key);
        self.pages.insert(key, page);
    }

    fn remove(&mut self, key: PageKey) -> Option<Page> {
        let page = self.pages.remove(&key)?;
        self.worth.remove(&page.place);
        self.bytes -= page.bytes();
        Some(page)
    }

    /// While there is too much, the page whose last step is worth the least for its size is known less well.
    fn shrink(&mut self) {
        while self.bytes > self.tuning.budget {
            let Some((_, &least)) = self.worth.first_key_value() else { break };
            if let Some(page) = self.remove(least).and_then(Page::less_known) {
                self.place(least, page);
            }
        }
    }
}

impl Page {
    fn bytes(&self) -> usize {
        PAGE_OVERHEAD_BYTES
            + match &self.known {
                Known::Whole(set) => set.bytes(),
                Known::Filtered(filters) => filters.bytes(),
                Known::Sized => 0,
            }
    }

    /// What the bytes are worth that a step less would free, by what they answer.
    fn worth(&self) -> i64 {
        let (share, freed) = match &self.known {
            Known::Whole(set) if set.len() < FILTERED_MIN => (1.0, set.bytes() + PAGE_OVERHEAD_BYTES),
            Known::Whole(set) => (REPEATS, set.bytes().saturating_sub(Filters::bytes_for(set.len()))),
            Known::Filtered(filters) => filters.last_step(),
            Known::Sized => (1.0, PAGE_OVERHEAD_BYTES),
        };
        worth(self.asked, share, freed)
    }

    /// The page, a step less well known.
    fn less_known(mut self) -> Option<Self> {
        self.known = match self.known {
            Known::Whole(set) if set.len() < FILTERED_MIN => return None,
            Known::Whole(set) => Known::Filtered(Filters::of(Vec::new(), &set.iter().collect::<Vec<_>>())),
            Known::Filtered(mut filters) => {
                if filters.fold() {
                    Known::Filtered(filters)
                } else {
                    Known::Sized
                }
            }
            Known::Sized => return None,
        };
        Some(self)
    }
}

/// What bytes are worth that answer this share of what a page is asked for.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // an estimate
fn worth(asked: f64, share: f64, bytes: usize) -> i64 {
    ((asked + share.log2() - (bytes.max(1) as f64).log2()) * WORTH_STEPS) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Topic;
    use domain::Quarter;

    const LARGE: Tuning =
        Tuning { budget: 1 << 20, lookup_cost: 10, segment_min: 8, tail_runs_max: 4, tail_len_max: 100 };

    fn key(number: i32, quarter: i64) -> PageKey {
        let partition = Partition { topic: Topic::Events, number };
        PageKey { partition, quarter: Quarter::of_second(quarter * 900).unwrap() }
    }

    fn sorted(n: u64) -> Vec<u64> {
        (1..=n).map(|i| i << 40).collect()
    }

    fn load(ledger: &mut Ledger, key: PageKey, n: u64) {
        ledger.load(key, PageRead { filters: Vec::new(), others: sorted(n) });
    }

    /// A budget that has room for one page of 1,000 as a whole and a few filters.
    fn tight() -> Ledger {
        Ledger::new(Tuning { budget: FingerprintSet::from_sorted(&sorted(1_000)).bytes() + 4_000, ..LARGE })
    }

    #[test]
    fn a_new_page_is_known_whole_and_needs_no_question() {
        let mut ledger = Ledger::new(LARGE);
        assert_eq!(ledger.ask(key(0, 0), &[7, 9], Some(Size::plain(0))), Ask::Nothing);
        ledger.committed(key(0, 0), &[7]);
        assert!(ledger.known(key(0, 0)).contains(7) && !ledger.known(key(0, 0)).contains(9));
    }

    #[test]
    fn few_fingerprints_of_a_large_page_are_looked_up_until_reading_it_would_have_been_cheaper() {
        let mut ledger = Ledger::new(LARGE);
        for _ in 0..9 {
            assert_eq!(ledger.ask(key(0, 0), &[7], Some(Size::plain(100))), Ask::Fingerprints(vec![7]));
        }
        assert_eq!(
            ledger.ask(key(0, 0), &[7], Some(Size::plain(100))),
            Ask::Page(Reading { whole: true, cost: 100 })
        );
        load(&mut ledger, key(0, 0), 100);
        assert_eq!(ledger.ask(key(0, 0), &[7], Some(Size::plain(100))), Ask::Nothing);
    }

    #[test]
    fn many_fingerprints_of_a_page_read_it_at_once_unless_it_would_fill_half_the_memory() {
        let mut ledger = Ledger::new(LARGE);
        let many: Vec<u64> = sorted(7_000);
        assert_eq!(
            ledger.ask(key(0, 0), &many, Some(Size::plain(65_000))),
            Ask::Page(Reading { whole: true, cost: 65_000 })
        );
        assert_eq!(ledger.ask(key(0, 1), &many, Some(Size::plain(66_000))), Ask::Fingerprints(many));
    }

    #[test]
    fn under_pressure_the_page_of_little_use_becomes_a_filter_and_still_denies_strangers() {
        let mut ledger = tight();
        ledger.ask(key(0, 0), &sorted(2), Some(Size::plain(1_000)));
        load(&mut ledger, key(0, 0), 1_000);
        ledger.ask(key(0, 1), &sorted(1_000), Some(Size::plain(1_000)));
        load(&mut ledger, key(0, 1), 1_000);
        assert!(ledger.known(key(0, 1)).contains(1 << 40), "the busy one is whole");
        assert!(!ledger.known(key(0, 0)).contains(1 << 40), "the other isn't");
        assert_eq!(
            ledger.ask(key(0, 0), &[1 << 40], Some(Size::plain(0))),
            Ask::Fingerprints(vec![1 << 40]),
            "what it has passes"
        );
        let strangers = sorted(1_000)
            .into_iter()
            .map(|n| n + (1 << 39) + n / 77)
            .filter(|stranger| ledger.ask(key(0, 0), &[*stranger], Some(Size::plain(0))) == Ask::Nothing);
        assert!(strangers.count() > 500, "most of what it lacks needs no question");
    }

    #[test]
    fn what_is_added_to_a_filtered_page_passes_its_filter() {
        let mut ledger = tight();
        load(&mut ledger, key(0, 0), 1_000);
        ledger.ask(key(0, 1), &sorted(1_000), Some(Size::plain(1_000)));
        load(&mut ledger, key(0, 1), 1_000);
        ledger.committed(key(0, 0), &[77]);
        assert_eq!(ledger.ask(key(0, 0), &[77], Some(Size::plain(0))), Ask::Fingerprints(vec![77]));
    }

    #[test]
    fn a_page_forgotten_while_others_are_asked_for_is_not_taken_for_empty() {
        let mut ledger = Ledger::new(LARGE);
        assert_eq!(ledger.ask(key(0, 0), &[7, 8], None), Ask::Fingerprints(vec![7, 8]));
        assert_eq!(
            ledger.ask(key(0, 0), &[7, 8], Some(Size::plain(0))),
            Ask::Nothing,
            "the database has nothing of it"
        );
    }

    #[test]
    fn equals_do_not_drive_each_other_out() {
        let mut ledger = tight();
        for round in 0..20 {
            ledger.next_round();
            for page in 1..=40 {
                if let Ask::Page(_) = ledger.ask(key(0, page), &[5], Some(Size::plain(1_000))) {
                    assert!(round < 19, "page {page} is read again and again");
                    load(&mut ledger, key(0, page), 1_000);
                }
            }
        }
        assert!(ledger.bytes() <= ledger.tuning().budget);
    }

    #[test]
    fn bytes_add_up_and_forgetting_a_partition_leaves_the_others() {
        let mut ledger = Ledger::new(LARGE);
        load(&mut ledger, key(0, 0), 10);
        let one = ledger.bytes();
        load(&mut ledger, key(1, 0), 10);
        assert_eq!((ledger.pages(), ledger.bytes()), (2, 2 * one));
        ledger.forget(key(0, 0).partition);
        assert!(!ledger.has(key(0, 0)) && ledger.has(key(1, 0)));
        assert_eq!((ledger.pages(), ledger.bytes()), (1, one));
    }
}
