//! A batch on its way to being decided. Each step consumes the one before:
//!
//! ```text
//! Batch -> UndecidedBatch    the sizes of some pages are needed
//!       -> Questions         pages must be read, and fingerprints looked up
//!       -> DecidedBatch      every record is known to be new or a duplicate
//!       -> Changes           see `Member::place`
//! ```

use crate::batch::Batch;
use crate::batch::texts::Texts;
use crate::decide::changes::{PartitionChanges, Places};
use crate::ledger::Reading;
use crate::ledger::segment::PageKey;
use std::sync::Arc;

/// A batch none of whose records is decided.
pub struct UndecidedBatch {
    batch: Batch,
    partitions: Vec<PartitionChanges>,
    pages: Vec<PageKey>,
    unsized_pages: Vec<PageKey>,
}

/// A batch some of whose pages are undecided, and what the database must be asked to decide them.
pub struct Questions {
    batch: Batch,
    partitions: Vec<PartitionChanges>,
    places: Places,
    /// Pages to be read.
    pub pages: Vec<(PageKey, Reading)>,
    /// Fingerprints to be looked up in their page, ascending.
    pub lookups: Vec<(PageKey, Vec<u64>)>,
}

/// A batch all of whose records are decided, and that has no place in the ledger yet.
pub struct DecidedBatch {
    /// The texts that `partitions` refer to.
    pub(crate) texts: Arc<Texts>,
    /// What each partition's share changes.
    pub(crate) partitions: Vec<PartitionChanges>,
    /// The ledger's floor it was folded under.
    pub(super) floor: i64,
}

impl UndecidedBatch {
    /// The batch. `knows_page` says whether memory knows at least the size of a page.
    #[must_use]
    pub fn of(mut batch: Batch, knows_page: impl Fn(PageKey) -> bool) -> Self {
        let mut pages = Vec::new();
        for slice in &mut batch.slices {
            for page in &mut slice.pages {
                page.entries.sort_by_key(|entry| entry.fingerprint); // stable: equal ones stay in the partition's order
                pages.push(PageKey { partition: slice.partition, quarter: page.quarter });
            }
        }
        pages.sort_unstable();
        let unsized_pages = pages.iter().copied().filter(|key| !knows_page(*key)).collect();
        let partitions = batch.slices.iter_mut().map(PartitionChanges::of).collect();
        Self { batch, partitions, pages, unsized_pages }
    }

    /// The pages whose sizes the database must be asked for, ascending.
    #[must_use]
    pub fn unsized_pages(&self) -> &[PageKey] {
        &self.unsized_pages
    }

    /// The pages, ascending, each with whether its size had to be asked for; and the batch, with no question yet.
    pub(super) fn begin(self) -> (Vec<(PageKey, bool)>, Questions) {
        let Self { batch, partitions, pages, unsized_pages } = self;
        let is_unsized = |key: &PageKey| unsized_pages.binary_search(key).is_ok();
        let pages = pages.into_iter().map(|key| (key, is_unsized(&key))).collect();
        let (places, lookups) = (Places::default(), Vec::new());
        (pages, Questions { batch, partitions, places, pages: Vec::new(), lookups })
    }
}

impl Questions {
    /// The fingerprints of a page's undecided records, ascending, each once.
    #[must_use]
    pub fn fingerprints(&self, key: PageKey) -> Vec<u64> {
        let slice = self.batch.slices.iter().find(|slice| slice.partition == key.partition);
        let page = slice.and_then(|slice| slice.page_of(key.quarter));
        let entries = page.map_or(&[][..], |page| &page.entries);
        let mut fingerprints: Vec<u64> = entries.iter().map(|entry| entry.fingerprint).collect();
        fingerprints.dedup();
        fingerprints
    }

    /// Decides the records of a page, given which of its fingerprints were counted before.
    pub(super) fn decide(&mut self, key: PageKey, counted: impl Fn(u64) -> bool) {
        let Self { batch, partitions, places, .. } = self;
        let of_key =
            batch.slices.iter_mut().zip(partitions).find(|(slice, _)| slice.partition == key.partition);
        if let Some((slice, changes)) = of_key {
            let entries = slice.take_page(key.quarter);
            changes.decide_page(key.quarter, &entries, &mut slice.runs, (&batch.texts, places), counted);
        }
    }

    /// The batch, once all questions are answered.
    ///
    /// # Panics
    /// When one is not: records of that page would be passed over and never counted.
    #[must_use]
    pub fn decided(self) -> DecidedBatch {
        let Self { batch, partitions, .. } = self;
        let mut pages = batch.slices.iter().flat_map(|slice| &slice.pages);
        assert!(pages.all(|page| page.entries.is_empty()), "every page was decided");
        DecidedBatch { texts: Arc::new(batch.texts), partitions, floor: batch.floor }
    }
}
