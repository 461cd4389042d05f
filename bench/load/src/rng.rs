//! A small generator of pseudo-random numbers whose sequence never changes between versions: a seed that a failed test
//! printed must give the same records years later.
//!
//! SplitMix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), with the
//! constants of S. Vigna's public-domain C version.

/// The distance between two states: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A sequence of pseudo-random numbers, determined by its seed.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The sequence of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        scatter(self.state)
    }

    /// A number in `0..limit`, and 0 for a limit of 0. Uniform to within `limit` / 2^64.
    pub fn below(&mut self, limit: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(limit);
        u64::try_from(product >> 64).expect("a product shifted by 64 bits has 64 left")
    }

    /// An index for `len` elements.
    pub fn index(&mut self, len: usize) -> usize {
        let limit = u64::try_from(len).expect("a length fits 64 bits");
        usize::try_from(self.below(limit)).expect("below a length")
    }

    /// True with probability `share`: never for 0, always for 1.
    pub fn chance(&mut self, share: f64) -> bool {
        self.fraction() < share
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    pub fn fraction(&mut self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // 53 bits are what an f64 holds exactly
        let numerator = (self.next() >> 11) as f64;
        numerator / (1u64 << 53) as f64
    }

    /// Shuffles the elements; every order is equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

/// A bijection of the 64-bit numbers without a visible pattern: distinct numbers stay distinct.
#[must_use]
pub const fn scatter(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut rng = Rng::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn shares_are_kept() {
        let mut rng = Rng::new(1);
        let hits = (0..100_000).filter(|_| rng.chance(0.1)).count();
        assert!((9_700..10_300).contains(&hits), "{hits}");
        assert!(!rng.chance(0.0) && rng.chance(1.0));
    }

    #[test]
    fn shuffling_loses_nothing() {
        let mut items: Vec<u32> = (0..100).collect();
        Rng::new(3).shuffle(&mut items);
        assert_ne!(items[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
