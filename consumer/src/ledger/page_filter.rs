//! The filter of a page: the filters of its large segments, and what was added later. Pure.

use crate::ledger::filter::{FILTERED_MIN, Filter, PLANES_MIN, PLANES_NEW};

/// Of each fingerprint added later 16 bits are kept. When these fingerprints exceed one `LATER_SHARE`th of those in the
/// filters, the filter is dropped, since reading the page again is better.
const LATER_SHARE: usize = 8;

/// A filter of all fingerprints of a page.
#[derive(Clone, Debug)]
pub struct PageFilter {
    filters: Vec<Filter>,
    /// 16 bits of each fingerprint that was added later.
    later: Vec<u16>,
}

impl PageFilter {
    /// The share of absent fingerprints that the smallest filter denies.
    pub const DENIED_MIN: f64 = 0.75;

    /// The filter of a page. `filters` are those of its large segments; `others` are all other fingerprints, ascending.
    #[must_use]
    pub fn of(mut filters: Vec<Filter>, others: &[u64]) -> Self {
        let few = others.len() < FILTERED_MIN;
        if !few {
            filters.push(Filter::of(others));
        }
        let mut all = Self { filters, later: Vec::new() };
        if few {
            all.extend(others);
        }
        all
    }

    /// How much memory a new filter of `len` fingerprints takes, in bytes.
    #[must_use]
    pub fn bytes_for(len: usize) -> usize {
        Filter::bytes_for(len, PLANES_NEW)
    }

    /// How much memory the smallest filter of `len` fingerprints takes, in bytes.
    #[must_use]
    pub fn bytes_min(len: usize) -> usize {
        Filter::bytes_for(len, PLANES_MIN)
    }

    /// How much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.filters.iter().map(Filter::bytes).sum::<usize>() + self.later.capacity() * size_of::<u16>()
    }

    /// Adds fingerprints; returns whether the filter is still worth keeping.
    pub fn extend(&mut self, fingerprints: &[u64]) -> bool {
        self.later.extend(fingerprints.iter().map(|fingerprint| later(*fingerprint)));
        let len: usize = self.filters.iter().map(Filter::fingerprints).sum();
        self.later.len() <= len / LATER_SHARE
    }

    /// Whether the page may have the fingerprint; `false` is certain.
    #[must_use]
    pub fn may_contain(&self, fingerprint: u64) -> bool {
        self.filters.iter().any(|filter| filter.may_contain(fingerprint))
            || self.later.contains(&later(fingerprint))
    }

    /// What the next step down loses and frees: the share of absent fingerprints that only the last plane denies, and the
    /// plane's bytes. If the filter already has the fewest planes: the share and the bytes of the whole filter.
    #[must_use]
    pub fn last_step(&self) -> (f64, usize) {
        let planes = self.planes();
        if planes > PLANES_MIN {
            let plane = self.filters.iter().map(Filter::plane_bytes).sum();
            (0.5_f64.powi(i32::try_from(planes).expect("a few")), plane)
        } else {
            (Self::DENIED_MIN, self.bytes())
        }
    }

    /// Drops the last plane; returns `false`, and drops nothing, if the filter would not be worth keeping.
    pub fn drop_plane(&mut self) -> bool {
        let planes = self.planes();
        let worth = planes > PLANES_MIN;
        if worth {
            self.filters.iter_mut().for_each(|filter| filter.truncate(planes - 1));
        }
        worth
    }

    /// The number of planes of the filter with the most.
    fn planes(&self) -> usize {
        self.filters.iter().map(Filter::planes).max().unwrap_or_default()
    }
}

#[inline]
fn later(fingerprint: u64) -> u16 {
    (fingerprint >> 24) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::spread_tests::{ascending, spread};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_fingerprint_that_was_added_is_never_denied(
            from in any::<u32>(),
            lens in prop::collection::vec(1u64..2_000, 0..3),
            others in 0u64..200,
            later in prop::collection::vec(any::<u64>(), 0..50),
            drops in 0usize..7,
        ) {
            let mut next = u64::from(from);
            let mut some = |len: u64| {
                next += len;
                ascending(next - len..next)
            };
            let segments: Vec<Vec<u64>> = lens.into_iter().map(&mut some).collect();
            let others = some(others);
            let stored: Vec<Vec<u8>> = segments.iter().map(|segment| Filter::of(segment).stored()).collect();
            let read = stored.iter().map(|bytes| Filter::from_stored(bytes).expect("a filter"));
            let mut filter = PageFilter::of(read.collect(), &others);
            for _ in 0..drops {
                let before = filter.bytes();
                prop_assert_eq!(filter.drop_plane(), filter.bytes() < before);
            }
            filter.extend(&later);
            let mut all = segments.iter().flatten().chain(&others).chain(&later);
            prop_assert!(all.all(|fingerprint| filter.may_contain(*fingerprint)));
        }
    }

    #[test]
    fn most_absent_fingerprints_are_denied_and_fewer_by_a_smaller_filter() {
        let own = ascending(0..36_000);
        let absent: Vec<u64> = (1_000_000..1_020_000).map(spread).collect();
        let mut filter = PageFilter::of(Vec::new(), &own);
        assert_eq!(filter.bytes(), PageFilter::bytes_for(own.len()));
        for planes in (PLANES_MIN..=PLANES_NEW).rev() {
            let passing = absent.iter().filter(|fingerprint| filter.may_contain(**fingerprint)).count();
            let expected = absent.len() >> planes;
            assert!((expected / 2..expected * 3 / 2).contains(&passing), "{passing} with {planes} planes");
            assert_eq!(filter.drop_plane(), planes > PLANES_MIN);
        }
        assert_eq!(filter.bytes(), PageFilter::bytes_min(own.len()));
    }

    #[test]
    fn it_is_useless_once_many_fingerprints_were_added() {
        let mut filter = PageFilter::of(Vec::new(), &ascending(0..800));
        assert!(filter.extend(&ascending(1_000..1_100)));
        assert!(!filter.extend(&[1]));
    }
}
