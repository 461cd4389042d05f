//! How well memory knows a page. Its definite answers are right; other fingerprints are looked up. Pure.

use crate::ledger::filter::FILTERED_MIN;
use crate::ledger::fingerprint_set::FingerprintSet;
use crate::ledger::page_filter::PageFilter;
use crate::ledger::policy::REPEATS;

/// What memory has of a page, best first. The next step down takes less memory and leaves more to look up.
pub enum Known {
    /// All fingerprints.
    Whole(FingerprintSet),
    /// A filter: which fingerprints are certainly absent.
    Filtered(PageFilter),
    /// Only how large it is.
    Sized,
}

/// What a page would lose with its next step down.
pub struct Step {
    /// The share of the page's demand that could not be answered any more.
    pub answered: f64,
    /// Bytes that would become free.
    pub bytes: usize,
}

/// Fingerprints that a page certainly has.
#[derive(Clone, Copy)]
pub struct KnownPage<'a> {
    /// Those in the page, if it is known whole.
    pub(super) whole: Option<&'a FingerprintSet>,
    /// Those of its quarter in the partition's tail.
    pub(super) tail: Option<&'a FingerprintSet>,
}

impl KnownPage<'_> {
    /// Whether the page certainly has the fingerprint.
    #[inline]
    #[must_use]
    pub fn contains(&self, fingerprint: u64) -> bool {
        let has = |set: Option<&FingerprintSet>| set.is_some_and(|set| set.contains(fingerprint));
        has(self.whole) || has(self.tail)
    }
}

impl Known {
    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Whole(set) => set.bytes(),
            Self::Filtered(filter) => filter.bytes(),
            Self::Sized => 0,
        }
    }

    /// Takes in what was added to the page, ascending.
    pub fn extend(&mut self, sorted: &[u64]) {
        match self {
            Self::Whole(set) => set.extend_sorted(sorted),
            Self::Filtered(filter) => {
                if !filter.extend(sorted) {
                    *self = Self::Sized;
                }
            }
            Self::Sized => {}
        }
    }

    /// What the next step down costs. `entry_bytes` are those of a page's entry, which the last step frees.
    pub fn last_step(&self, entry_bytes: usize) -> Step {
        match self {
            Self::Whole(set) if set.len() < FILTERED_MIN => {
                Step { answered: 1.0, bytes: set.bytes() + entry_bytes }
            }
            Self::Whole(set) => {
                let bytes = set.bytes().saturating_sub(PageFilter::bytes_for(set.len()));
                Step { answered: REPEATS, bytes }
            }
            Self::Filtered(filter) => {
                let (answered, bytes) = filter.last_step();
                Step { answered, bytes }
            }
            Self::Sized => Step { answered: 1.0, bytes: entry_bytes },
        }
    }

    /// The next step down; `None` if the page is to be forgotten.
    pub fn step_down(self) -> Option<Self> {
        match self {
            Self::Whole(set) if set.len() < FILTERED_MIN => None,
            Self::Whole(set) => {
                Some(Self::Filtered(PageFilter::of(Vec::new(), &set.iter().collect::<Vec<_>>())))
            }
            Self::Filtered(mut filter) => {
                Some(if filter.drop_plane() { Self::Filtered(filter) } else { Self::Sized })
            }
            Self::Sized => None,
        }
    }
}
