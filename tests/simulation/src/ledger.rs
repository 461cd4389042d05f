//! The ledger's tables: pages by layout, and tails. A page is looked up together with those of other layouts.

use crate::defect::Defect;
use crate::statement::{PageAsked, SegmentRow, TailRow};
use consumer::ledger::segment::PageKey;
use consumer::record::{Partition, Topic};
use domain::Counters;
use std::collections::BTreeMap;

/// Both tables.
#[derive(Clone, Default)]
pub struct Ledger {
    pages: BTreeMap<(PageKey, i32), Page>,
    tails: BTreeMap<Partition, Vec<(i32, TailRow)>>,
}

/// A page's segments of one layout.
#[derive(Clone, Default)]
struct Page {
    /// Ascending.
    fingerprints: Vec<u64>,
    sums: Counters,
}

impl Ledger {
    // --- Reading ---

    /// The tail's rows of a partition.
    #[must_use]
    pub fn tail(&self, partition: Partition) -> Option<Vec<TailRow>> {
        Some(self.tails.get(&partition)?.iter().map(|(_, row)| row.clone()).collect())
    }

    /// A page's fingerprints, ascending: those of its partition, and those of other layouts in all partitions.
    #[must_use]
    pub fn page(&self, (key, layout): PageAsked, defect: Option<Defect>) -> Vec<u64> {
        let mut fingerprints: Vec<u64> = Vec::new();
        self.of_page(key).for_each(|(_, page)| fingerprints.extend(&page.fingerprints));
        if let Some(layout) = layout {
            let is_other = |other: i32| match defect {
                Some(Defect::NewerLayoutsNotAsked) => other < layout,
                _ => other != layout,
            };
            let others = self.partitions(key.partition.topic).filter(|other| *other != key.partition);
            let others = others.flat_map(|partition| self.of_page(PageKey { partition, ..key }));
            let others = others.filter(|(other, _)| is_other(*other));
            others.for_each(|(_, page)| fingerprints.extend(&page.fingerprints));
        }
        fingerprints.sort_unstable();
        fingerprints
    }

    fn of_page(&self, key: PageKey) -> impl Iterator<Item = (i32, &Page)> {
        let pages = self.pages.range((key, i32::MIN)..=(key, i32::MAX));
        pages.map(|((_, layout), page)| (*layout, page))
    }

    /// The partitions of a topic that pages may be of.
    fn partitions(&self, topic: Topic) -> impl Iterator<Item = Partition> {
        let last = self.pages.keys().map(|(key, _)| key.partition).rfind(|last| last.topic == topic);
        (0..=last.map_or(-1, |last| last.number)).map(move |number| Partition { topic, number })
    }

    /// Whether an identity of the page's topic and quarter is in any page or tail.
    #[must_use]
    pub fn has(&self, key: PageKey, fingerprint: u64) -> bool {
        let in_page = |partition| {
            let mut pages = self.of_page(PageKey { partition, ..key });
            pages.any(|(_, page)| page.fingerprints.binary_search(&fingerprint).is_ok())
        };
        let in_row = |row: &TailRow| {
            let mut segments = row.iter().filter(|(of, ..)| of.quarter == key.quarter);
            segments.any(|(_, fingerprints, _)| fingerprints.binary_search(&fingerprint).is_ok())
        };
        let mut tails = self.tails.iter().filter(|(of, _)| of.topic == key.partition.topic);
        self.partitions(key.partition.topic).any(in_page)
            || tails.any(|(_, rows)| rows.iter().any(|(_, row)| in_row(row)))
    }

    /// By the beginning of a quarter: what its identities add, and how many they are.
    #[must_use]
    pub fn sums(&self) -> BTreeMap<i64, (Counters, usize)> {
        let mut all: BTreeMap<i64, (Counters, usize)> = BTreeMap::new();
        let mut add = |key: &PageKey, adds: &Counters, identities: usize| {
            let (sums, count) = all.entry(key.quarter.start().timestamp()).or_default();
            *sums += adds;
            *count += identities;
        };
        self.pages.iter().for_each(|((key, _), page)| add(key, &page.sums, page.fingerprints.len()));
        let rows = self.tails.values().flatten().flat_map(|(_, row)| row);
        rows.for_each(|(key, fingerprints, adds)| add(key, adds, fingerprints.len()));
        all
    }

    /// All fingerprints in pages as one number.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.pages.values().flat_map(|page| &page.fingerprints).fold(0, |digest, n| digest ^ n)
    }

    // --- Writing ---

    /// Adds a segment to its page. Its fingerprints are nowhere yet.
    pub fn append(&mut self, layout: i32, (key, fingerprints, sums): &SegmentRow) {
        let page = self.pages.entry((*key, layout)).or_default();
        page.fingerprints.extend(fingerprints);
        page.fingerprints.sort_unstable();
        page.sums += sums;
    }

    /// Adds a row to a tail.
    pub fn append_tail(&mut self, partition: Partition, layout: i32, row: TailRow) {
        self.tails.entry(partition).or_default().push((layout, row));
    }

    /// Removes a partition's tail: it is filed.
    pub fn remove_tail(&mut self, partition: Partition) {
        self.tails.remove(&partition);
    }

    /// Moves a topic's tails of other layouts than this into pages, but for quarters below the floor.
    pub fn file_tails(&mut self, topic: Topic, layout: i32, floor: i64) {
        let mut filed: Vec<(i32, SegmentRow)> = Vec::new();
        for (_, rows) in self.tails.iter_mut().filter(|(partition, _)| partition.topic == topic) {
            let taken = rows.extract_if(.., |(of, _)| *of != layout);
            filed.extend(taken.flat_map(|(of, row)| row.into_iter().map(move |segment| (of, segment))));
        }
        filed.retain(|(_, (key, ..))| key.quarter.start().timestamp() >= floor);
        filed.iter().for_each(|(of, segment)| self.append(*of, segment));
    }

    /// Drops what lies below the floor. How many pages that were.
    pub fn drop_below(&mut self, floor: i64) -> usize {
        let before = self.pages.len();
        let stays = |key: &PageKey| key.quarter.start().timestamp() >= floor;
        self.pages.retain(|(key, _), _| stays(key));
        for rows in self.tails.values_mut() {
            rows.retain(|(_, row)| row.iter().any(|(key, ..)| stays(key)));
        }
        before - self.pages.len()
    }
}
