//! A filter in front of a page that is not in memory: says of most fingerprints that the page surely lacks them, for
//! about a byte each.
//!
//! A Bloom filter ("Space/time trade-offs in hash coding with allowable errors", 1970) in which a fingerprint's two bits
//! share a word: its high bits say in which, its low bits which two. So a page's fingerprints in ascending order walk
//! the words forwards, and a filter can be folded: neighbours laid over each other are the filter of half the length.
//! Memory that runs short costs precision, not a reload.

/// Bits a fingerprint in a new filter; with two of them set, one in 20 strangers passes.
const BITS_NEW: usize = 8;
/// Bits a fingerprint below which a filter is folded no further: there, two in five strangers pass.
const BITS_MIN: usize = 2;
const WORD_BITS: usize = u64::BITS as usize;
/// A new filter has a multiple of so many words: it can be folded that far.
const WORDS_STEP: usize = BITS_NEW / BITS_MIN;

/// Knows for sure what is absent. What is present, and some that isn't, passes.
#[derive(Clone, Debug)]
pub struct Filter {
    words: Vec<u64>,
    len: usize,
}

impl Filter {
    /// The filter of these `len` fingerprints.
    #[must_use]
    pub fn of(len: usize, fingerprints: impl Iterator<Item = u64>) -> Self {
        let mut filter = Self { words: vec![0; Self::words_for(len)], len: 0 };
        fingerprints.for_each(|fingerprint| filter.insert(fingerprint));
        filter
    }

    /// How much memory a new filter of so many fingerprints takes, in bytes.
    #[must_use]
    pub fn bytes_for(len: usize) -> usize {
        Self::words_for(len) * size_of::<u64>()
    }

    /// How much memory the smallest filter of so many fingerprints takes, in bytes.
    #[must_use]
    pub fn bytes_min(len: usize) -> usize {
        Self::bytes_for(len) * BITS_MIN / BITS_NEW
    }

    /// How much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }

    /// Takes a fingerprint in.
    pub fn insert(&mut self, fingerprint: u64) {
        let word = self.word(fingerprint);
        self.words[word] |= bits(fingerprint);
        self.len += 1;
    }

    /// Whether it may have taken the fingerprint in; `false` is sure.
    #[inline]
    #[must_use]
    pub fn may_contain(&self, fingerprint: u64) -> bool {
        let bits = bits(fingerprint);
        self.words[self.word(fingerprint)] & bits == bits
    }

    /// Halves it, if it is worth keeping then; says whether it is.
    pub fn fold(&mut self) -> bool {
        let half = self.words.len() / 2;
        let worth = self.words.len().is_multiple_of(2) && half * WORD_BITS >= self.len * BITS_MIN;
        if worth {
            self.words = self.words.chunks_exact(2).map(|pair| pair[0] | pair[1]).collect();
        }
        worth
    }

    fn words_for(len: usize) -> usize {
        (len * BITS_NEW).div_ceil(WORD_BITS).max(1).next_multiple_of(WORDS_STEP)
    }

    #[inline]
    fn word(&self, fingerprint: u64) -> usize {
        #[allow(clippy::cast_possible_truncation)] // less than the words there are
        let word = ((u128::from(fingerprint) * self.words.len() as u128) >> u64::BITS) as usize;
        word
    }
}

/// The low twelve bits say which two.
#[inline]
fn bits(fingerprint: u64) -> u64 {
    1 << (fingerprint & 63) | 1 << (fingerprint >> 6 & 63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_taken_in_is_never_denied(
            fingerprints in prop::collection::vec(any::<u64>(), 0..300),
            later in prop::collection::vec(any::<u64>(), 0..50),
            folds in 0usize..9,
        ) {
            let mut filter = Filter::of(fingerprints.len(), fingerprints.iter().copied());
            for _ in 0..folds {
                let before = filter.bytes();
                prop_assert_eq!(filter.fold(), filter.bytes() < before);
            }
            later.iter().for_each(|fingerprint| filter.insert(*fingerprint));
            prop_assert!(fingerprints.iter().chain(&later).all(|fingerprint| filter.may_contain(*fingerprint)));
        }
    }

    /// Strangers out of 10,000 that pass a filter of 16,384 fingerprints folded so often.
    fn strangers_passing(folds: usize) -> usize {
        let fingerprints = crate::identity::Fingerprints::keyed(&[1; 16]);
        let spread = |n: u64| fingerprints.of(crate::identity::Kind::Event, "acme", &n.to_string());
        let own: Vec<u64> = (0..16_384).map(spread).collect();
        let mut filter = Filter::of(own.len(), own.into_iter());
        (0..folds).for_each(|_| assert!(filter.fold()));
        (1_000_000..1_010_000).map(spread).filter(|stranger| filter.may_contain(*stranger)).count()
    }

    #[test]
    fn most_strangers_are_denied_and_fewer_the_smaller_it_is() {
        for (folds, passing) in [(0, 400..800), (1, 1_300..2_100), (2, 3_500..4_600)] {
            let seen = strangers_passing(folds);
            assert!(passing.contains(&seen), "{seen} of 10,000 after {folds} folds");
        }
    }

    #[test]
    fn it_is_not_folded_into_uselessness() {
        let mut filter = Filter::of(1_000, (0..1_000u64).map(|n| n << 50));
        assert_eq!((0..10).take_while(|_| filter.fold()).count(), 2);
        assert_eq!(filter.bytes(), Filter::bytes_min(1_000));
    }
}
