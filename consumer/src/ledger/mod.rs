//! The ledger in memory: what a member knows of the pages of the partitions it holds.
//!
//! A page is known as well as memory allows and its use deserves (`known`): whole; or by a filter, which says of most
//! absent fingerprints that the page lacks them, and leaves the others to be looked up; or only by its size. Everything in
//! memory is in the database, too, so a page may be forgotten at any time. The *tail* of a partition is what small batches
//! added, and the database keeps it beside the pages. It is bounded, and memory always has all of it.
//!
//! Two things are kept apart. What memory knows must be right, or a record is lost or counted twice: `pages`, `tail`.
//! What it keeps, and how pages are read, is a matter of cost alone: `policy`.
//!
//! Why it is right: a partition's pages and tail change only in transactions that move its offset by compare-and-set, and
//! only this member's claim passes that. So what was read after the claim, plus what this member committed since, is what
//! the database has. When the claim is lost, all of the partition is forgotten.

pub mod filter;
pub mod fingerprint_set;
mod known;
mod page_filter;
mod pages;
mod policy;
pub mod segment;
mod settings;
#[cfg(test)]
mod spread_tests;
mod stored_page;
pub mod tail;

pub use known::KnownPage;
pub use policy::{Reading, Tuning};
pub use settings::Settings;
pub use stored_page::{PageRead, Size};

use crate::record::Partition;
use known::Known;
use pages::Pages;
use policy::{Demand, OpenPage};
use segment::PageKey;
use std::collections::BTreeMap;
use tail::Tail;

/// The pages in memory, under a budget, and the tails.
pub struct Ledger {
    pages: Pages,
    tails: BTreeMap<Partition, Tail>,
    tuning: Tuning,
    round: u64,
}

/// What the database must be asked to decide the records of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing: memory has the answer.
    Nothing,
    /// For the page.
    Page(Reading),
    /// Which of these fingerprints, ascending, the page has. It has none of the others that were asked for.
    Fingerprints(Vec<u64>),
}

impl Ledger {
    /// A ledger that knows nothing yet.
    #[must_use]
    pub fn new(tuning: Tuning) -> Self {
        Self { pages: Pages::new(tuning.budget), tails: BTreeMap::new(), tuning, round: 0 }
    }

    /// How many pages it knows something of.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// How much memory pages and tails take, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pages.bytes() + self.tail_bytes()
    }

    /// What decides how pages are read.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        self.tuning
    }

    /// Begins a batch: earlier demand for pages counts a little less.
    pub fn next_round(&mut self) {
        self.round += 1;
    }

    /// Whether it knows at least how large the page is.
    #[must_use]
    pub fn has(&self, key: PageKey) -> bool {
        self.pages.get(key).is_some()
    }

    /// What must be asked to decide `fingerprints`, ascending, of a page that the ledger knew when the batch was begun.
    /// If other pages have evicted it since, its size is not known, and everything is looked up.
    pub fn ask(&mut self, key: PageKey, fingerprints: &[u64]) -> Ask {
        match self.pages.get(key).map(|page| page.size) {
            Some(size) => self.ask_of_size(key, fingerprints, size),
            None => Ask::lookups(self.unknown(key, fingerprints)),
        }
    }

    /// What must be asked to decide `fingerprints`, ascending, of a page that the ledger did not know; `size` is its size
    /// in the database.
    pub fn ask_sized(&mut self, key: PageKey, fingerprints: &[u64], size: Size) -> Ask {
        // A page that is worth less than all others is not even remembered by its size.
        self.pages.note_size(key, size);
        self.ask_of_size(key, fingerprints, size)
    }

    fn ask_of_size(&mut self, key: PageKey, fingerprints: &[u64], size: Size) -> Ask {
        self.pages.note_demand(key, fingerprints.len(), self.round);
        let unknown = self.unknown(key, fingerprints);
        if unknown.is_empty() {
            return Ask::Nothing;
        }
        let page = self.pages.get(key);
        let open = OpenPage {
            size,
            demand: page.map_or(Demand::LEAST, |page| page.demand),
            asked: fingerprints.len(),
            unknown: unknown.len(),
            earlier_lookups: page.map_or(0, |page| page.lookups),
            is_filtered: page.is_some_and(|page| matches!(page.known, Known::Filtered(_))),
        };
        self.pages.note_lookups(key, unknown.len());
        let reading = policy::reading(&self.tuning, &self.pages.room(), &open);
        reading.map_or(Ask::lookups(unknown), Ask::Page)
    }

    /// Those of `fingerprints` that memory can neither confirm nor deny.
    fn unknown(&self, key: PageKey, fingerprints: &[u64]) -> Vec<u64> {
        let filter = match self.pages.get(key).map(|page| &page.known) {
            Some(Known::Whole(_)) => return Vec::new(),
            Some(Known::Filtered(filter)) => Some(filter),
            Some(Known::Sized) | None => None,
        };
        let known = self.known(key);
        let is_unknown = |n: &u64| filter.is_none_or(|filter| filter.may_contain(*n)) && !known.contains(*n);
        fingerprints.iter().copied().filter(is_unknown).collect()
    }

    /// The fingerprints that the page certainly has.
    #[must_use]
    pub fn known(&self, key: PageKey) -> KnownPage<'_> {
        let whole = match self.pages.get(key).map(|page| &page.known) {
            Some(Known::Whole(set)) => Some(set),
            Some(Known::Filtered(_) | Known::Sized) | None => None,
        };
        KnownPage { whole, tail: self.tails.get(&key.partition).and_then(|tail| tail.page(key.quarter)) }
    }

    /// Takes in a page that was read, and keeps as much of it as it is worth.
    pub fn load(&mut self, key: PageKey, page: PageRead) {
        self.pages.load(key, page);
    }

    /// Remembers what a batch added to a page, once it is committed.
    pub fn committed(&mut self, key: PageKey, sorted: &[u64]) {
        self.pages.extend(key, sorted);
    }

    /// The partition's tail.
    #[must_use]
    pub fn tail(&self, partition: Partition) -> &Tail {
        const EMPTY: &Tail = &Tail::EMPTY;
        self.tails.get(&partition).unwrap_or(EMPTY)
    }

    /// The partition's tail, for changes that are committed in the database.
    pub fn tail_mut(&mut self, partition: Partition) -> &mut Tail {
        self.tails.entry(partition).or_default()
    }

    /// Whether a partition's tail has room for a row with this many `fingerprints`; otherwise it must be filed.
    #[must_use]
    pub fn has_room_in_tail(&self, partition: Partition, fingerprints: usize) -> bool {
        let tail = self.tail(partition);
        self.tuning.keeps_tail(tail.rows() + 1, tail.len() + fingerprints, self.tail_bytes())
    }

    /// How much memory the tails take, in bytes.
    #[must_use]
    pub fn tail_bytes(&self) -> usize {
        self.tails.values().map(Tail::bytes).sum()
    }

    /// Forgets all of a partition: its claim is lost, or given back.
    pub fn forget(&mut self, partition: Partition) {
        self.pages.forget(partition);
        self.tails.remove(&partition);
    }
}

impl Ask {
    fn lookups(fingerprints: Vec<u64>) -> Self {
        if fingerprints.is_empty() { Self::Nothing } else { Self::Fingerprints(fingerprints) }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
