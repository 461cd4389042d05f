//! A page as the database has it: how large it is, and what was read of it. Pure.

use crate::ledger::filter::Filter;

/// How large a page is in the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Fingerprints.
    pub stored: usize,
    /// What reading it costs, in fingerprints: of a segment that has a filter, only the filter is read.
    pub read: usize,
}

impl Size {
    /// The size of a page without stored filters.
    #[must_use]
    pub fn plain(stored: usize) -> Self {
        Self { stored, read: stored }
    }
}

/// What was read of a page: the filters of its large segments, and all fingerprints of the others.
#[derive(Clone, Debug, Default)]
pub struct PageRead {
    /// Filters of segments whose fingerprints were not read.
    pub filters: Vec<Filter>,
    /// Ascending.
    pub others: Vec<u64>,
}

impl PageRead {
    /// How large the page is.
    #[must_use]
    pub fn size(&self) -> Size {
        let stored: usize = self.filters.iter().map(Filter::fingerprints).sum();
        let read: usize = self.filters.iter().map(|filter| filter.stored_bytes() / size_of::<u64>()).sum();
        Size { stored: stored + self.others.len(), read: read + self.others.len() }
    }

    /// Whether the page may have the fingerprint; `false` is certain.
    #[must_use]
    pub fn may_contain(&self, fingerprint: u64) -> bool {
        self.others.binary_search(&fingerprint).is_ok()
            || self.filters.iter().any(|filter| filter.may_contain(fingerprint))
    }
}
