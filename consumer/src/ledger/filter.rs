//! A filter of a set of fingerprints: for a few bits each it denies most fingerprints that the set lacks. The others *pass*,
//! and must be looked up.
//!
//! It is a binary fuse filter (Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters", 2022) with three
//! places a key: the exclusive or of the values at a fingerprint's three places is its *mark*, a few bits of its hash. It is
//! smaller than any Bloom filter that denies as much, but must be made of all fingerprints at once.
//!
//! It is stored in *planes*, one for each bit of a mark. Dropping the last plane leaves a smaller filter of the same
//! fingerprints that lets twice as many others pass. So when memory runs short the filter gets less precise, and need not be
//! read again.

/// Bits of a mark in a new filter: of the fingerprints that the set lacks, one in 64 passes.
pub const PLANES_NEW: usize = 6;
/// Fewest bits of a mark: one in four passes. A filter that lets more pass is not worth its memory.
pub const PLANES_MIN: usize = 2;
/// A page of fewer fingerprints is kept whole or not at all.
pub const FILTERED_MIN: usize = 64;
/// How many seeds are tried. Each fails with a probability of 1 in 100 at most, so one of them succeeds.
const ATTEMPTS_MAX: u64 = 64;
const WORD_BITS: usize = u64::BITS as usize;
/// The length of the longest segments, as a power of two.
const EXPONENT_MAX: u32 = 18;

/// A filter of a set of fingerprints: all of them pass, and few others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    shape: Shape,
    seed: u64,
    /// One for each bit of a mark; each has as many bits as the shape has places.
    planes: Vec<Vec<u64>>,
    len: usize,
}

/// How places are arranged: each fingerprint has one place in each of three neighbouring segments. (These segments are
/// parts of the filter, not of a page.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// A segment's length: a power of two, at least a word's bits.
    segment: usize,
    /// How many places can be the first of three.
    firsts: usize,
}

/// The places of a hash, in three different segments, and its mark.
struct Spot {
    places: [usize; 3],
    mark: u8,
}

impl Filter {
    /// The filter of these fingerprints, ascending.
    #[must_use]
    pub fn of(ascending: &[u64]) -> Self {
        let mut distinct = ascending.to_vec();
        distinct.dedup();
        let shape = Shape::of(distinct.len());
        let (seed, marks) = (0..ATTEMPTS_MAX)
            .find_map(|seed| Some((seed, arranged(&distinct, shape, seed)?)))
            .expect("each seed fails with a probability of 1 in 100 at most");
        Self { shape, seed, planes: planes(&marks), len: distinct.len() }
    }

    /// Whether the set may have the fingerprint; `false` is certain.
    #[must_use]
    pub fn may_contain(&self, fingerprint: u64) -> bool {
        let Spot { places, mark } = self.shape.spot(hash(fingerprint, self.seed));
        let bit = |words: &[u64], place: usize| words[place / WORD_BITS] >> (place % WORD_BITS);
        let agrees = |(number, plane): (usize, &Vec<u64>)| {
            let [a, b, c] = places.map(|place| bit(plane, place));
            (a ^ b ^ c ^ u64::from(mark >> number)) & 1 == 0
        };
        self.planes.iter().enumerate().all(agrees)
    }

    /// The filter as the database stores it. All numbers are little-endian: the seed and the count of fingerprints in 8
    /// bytes each, the segments' length and how many segments can be first in 4 bytes each, then the planes.
    #[must_use]
    pub fn stored(&self) -> Vec<u8> {
        let number =
            |number: usize| u32::try_from(number).expect("a page's array in PostgreSQL has less than 1 GB");
        let mut bytes = Vec::with_capacity(self.stored_bytes());
        bytes.extend(self.seed.to_le_bytes());
        bytes.extend((self.len as u64).to_le_bytes());
        bytes.extend(number(self.shape.segment).to_le_bytes());
        bytes.extend(number(self.shape.firsts / self.shape.segment).to_le_bytes());
        bytes.extend(self.planes.iter().flatten().flat_map(|word| word.to_le_bytes()));
        bytes
    }

    /// The filter that the database stores; `None` if the bytes are not a filter.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let (seed, rest) = bytes.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (segment, rest) = rest.split_first_chunk()?;
        let (firsts, rest) = rest.split_first_chunk()?;
        let shape = Shape::from_stored(u32::from_le_bytes(*segment), u32::from_le_bytes(*firsts))?;
        let (words, odd) = rest.as_chunks();
        let plane_words = shape.places() / WORD_BITS;
        let whole = odd.is_empty() && words.len().is_multiple_of(plane_words);
        let count = words.len() / plane_words;
        if !whole || !(PLANES_MIN..=PLANES_NEW).contains(&count) {
            return None;
        }
        let plane = |words: &[[u8; 8]]| words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        Some(Self {
            shape,
            seed: u64::from_le_bytes(*seed),
            planes: words.chunks_exact(plane_words).map(plane).collect(),
            len: usize::try_from(u64::from_le_bytes(*len)).ok()?,
        })
    }

    /// How many fingerprints it is made of.
    #[must_use]
    pub fn fingerprints(&self) -> usize {
        self.len
    }

    /// How long it is as the database stores it, in bytes.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        HEAD_BYTES + self.bytes()
    }

    /// How many planes it has.
    #[must_use]
    pub fn planes(&self) -> usize {
        self.planes.len()
    }

    /// Drops the last planes, so that at most `planes` are left.
    pub fn truncate(&mut self, planes: usize) {
        self.planes.truncate(planes);
    }

    /// How much memory a plane takes, in bytes.
    #[must_use]
    pub fn plane_bytes(&self) -> usize {
        self.shape.plane_bytes()
    }

    /// How much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.planes() * self.plane_bytes()
    }

    /// How much memory a filter of `len` fingerprints with this many `planes` takes, in bytes.
    #[must_use]
    pub fn bytes_for(len: usize, planes: usize) -> usize {
        planes * Shape::of(len).plane_bytes()
    }
}

/// Bytes before a stored filter's planes.
const HEAD_BYTES: usize = 24;

impl Shape {
    /// The paper's figures for three places a key.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn of(len: usize) -> Self {
        let n = len.max(2) as f64;
        let exponent = (n.ln() / 3.33_f64.ln() + 2.25).floor() as u32;
        let segment = 1 << exponent.clamp(WORD_BITS.ilog2(), EXPONENT_MAX);
        let factor = (0.875 + 0.25 * 1e6_f64.ln() / n.ln()).max(1.125);
        let segments = ((n * factor).round() as usize).div_ceil(segment);
        Self { segment, firsts: segments.saturating_sub(2).max(1) * segment }
    }

    /// The shape that the database stores; `None` if there is no such shape.
    fn from_stored(segment: u32, firsts: u32) -> Option<Self> {
        let possible = segment.is_power_of_two()
            && (WORD_BITS.ilog2()..=EXPONENT_MAX).contains(&segment.ilog2())
            && firsts > 0;
        let segment = usize::try_from(segment).ok()?;
        possible.then_some(Self { segment, firsts: segment.checked_mul(usize::try_from(firsts).ok()?)? })
    }

    fn places(self) -> usize {
        self.firsts + 2 * self.segment
    }

    fn plane_bytes(self) -> usize {
        self.places() / 8
    }

    #[inline]
    fn spot(self, hash: u64) -> Spot {
        #[allow(clippy::cast_possible_truncation)] // less than `firsts`; and parts of the hash
        let (first, [low, middle]) = (
            ((u128::from(hash) * self.firsts as u128) >> u64::BITS) as usize,
            [hash as usize, (hash >> 18) as usize],
        );
        let mask = self.segment - 1;
        let places =
            [first, (first + self.segment) ^ (middle & mask), (first + 2 * self.segment) ^ (low & mask)];
        #[allow(clippy::cast_possible_truncation)] // eight bits of it
        let mark = (hash ^ (hash >> 32)) as u8;
        Spot { places, mark }
    }
}

/// A hash for each seed. The first is the fingerprint itself: it is uniform, and ascending fingerprints have ascending
/// places, which is fast.
#[inline]
fn hash(fingerprint: u64, seed: u64) -> u64 {
    if seed == 0 {
        return fingerprint;
    }
    // The finalizer of MurmurHash3.
    let mut hash = fingerprint.wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The fingerprints that share a place.
#[derive(Clone, Copy, Default)]
struct Users {
    /// The exclusive or of their hashes.
    hashes: u64,
    /// How many there are.
    count: u32,
    /// The exclusive or of the place's numbers: each fingerprint numbers its three places 0 to 2.
    numbers: u32,
}

impl Users {
    #[inline]
    fn toggle(&mut self, hash: u64, number: u32) {
        self.hashes ^= hash;
        self.numbers ^= number;
    }
}

/// The values at all places, so that each fingerprint's three places give its mark. `None` if this seed has none.
///
/// Each fingerprint must be given a place of its own. One that is alone at a place takes it and leaves its other two, where
/// another may be alone then, and so on. Values are set in the reverse order: then a fingerprint's own place is none of the
/// places of those before it, and setting it changes no mark but its own.
fn arranged(distinct: &[u64], shape: Shape, seed: u64) -> Option<Vec<u8>> {
    let mut users = vec![Users::default(); shape.places()];
    for fingerprint in distinct {
        let hash = hash(*fingerprint, seed);
        for (place, number) in shape.spot(hash).places.into_iter().zip(0..) {
            users[place].count += 1;
            users[place].toggle(hash, number);
        }
    }
    // Places with one fingerprint. A branch on that would be mispredicted, so a place is always written, and kept by
    // advancing `waiting`: each place at most once, and room for one more.
    let mut alone = vec![0_u32; shape.places() + 1];
    let mut waiting = 0;
    for (place, users) in (0..).zip(&users) {
        alone[waiting] = place;
        waiting += usize::from(users.count == 1);
    }
    let mut taken: Vec<(u64, u32)> = Vec::with_capacity(distinct.len());
    while waiting > 0 {
        waiting -= 1;
        let Users { hashes: hash, count, numbers: own } = users[alone[waiting] as usize];
        if count != 1 {
            continue;
        }
        taken.push((hash, own));
        for (place, number) in shape.spot(hash).places.into_iter().zip(0..) {
            let left = &mut users[place];
            left.count -= 1;
            left.toggle(hash, number);
            alone[waiting] = place as u32;
            waiting += usize::from(left.count == 1);
        }
    }
    if taken.len() < distinct.len() {
        return None;
    }
    let mut marks = vec![0_u8; shape.places()];
    for (hash, own) in taken.into_iter().rev() {
        let Spot { places, mark } = shape.spot(hash);
        let others = places.iter().fold(0, |others, place| others ^ marks[*place]);
        // Its own place is still empty.
        marks[places[own as usize]] = mark ^ others;
    }
    Some(marks)
}

/// The values' bits, plane by plane.
fn planes(marks: &[u8]) -> Vec<Vec<u64>> {
    let (words, rest) = marks.as_chunks::<WORD_BITS>();
    assert!(
        rest.is_empty(),
        "segments are whole words: a mark left out would deny a fingerprint that was counted"
    );
    let mut planes: [Vec<u64>; PLANES_NEW] = Default::default();
    planes.iter_mut().for_each(|plane| plane.reserve_exact(words.len()));
    for marks in words {
        let mut word = [0_u64; PLANES_NEW];
        for (eight, shift) in marks.as_chunks::<8>().0.iter().zip((0..).step_by(8)) {
            let transposed = transposed(u64::from_le_bytes(*eight)).to_le_bytes();
            word.iter_mut().zip(transposed).for_each(|(word, bits)| *word |= u64::from(bits) << shift);
        }
        planes.iter_mut().zip(word).for_each(|(plane, word)| plane.push(word));
    }
    planes.into()
}

/// Transposes eight bytes as a square of bits (Warren, "Hacker's Delight", 7-3).
#[inline]
fn transposed(mut square: u64) -> u64 {
    for (by, mask) in [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)] {
        let swapped = (square ^ (square >> by)) & mask;
        square ^= swapped ^ (swapped << by);
    }
    square
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::spread_tests::ascending;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_that_are_no_filter_are_refused_or_harmless(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cut in 0usize..2_000,
            shape in any::<[u8; 8]>(),
        ) {
            let mut filter = Filter::of(&ascending(0..100)).stored();
            let again = Filter::from_stored(&filter).map(|read| read.stored());
            prop_assert_eq!(again.as_ref(), Some(&filter));
            filter[16..24].copy_from_slice(&shape);
            filter.truncate(cut);
            for bytes in [bytes, filter] {
                if let Some(read) = Filter::from_stored(&bytes) {
                    let _ = read.may_contain(u64::MAX);
                }
            }
        }
    }

    #[test]
    fn fingerprints_that_are_not_uniform_need_another_seed() {
        let close: Vec<u64> = (1..3_000).flat_map(|n| [n, n]).collect();
        let filter = Filter::of(&close);
        assert_ne!(filter.seed, 0);
        assert!(close.iter().all(|fingerprint| filter.may_contain(*fingerprint)));
    }

    #[test]
    fn a_square_of_bits_is_transposed() {
        for (row, column) in (0..8).flat_map(|row| (0..8).map(move |column| (row, column))) {
            assert_eq!(transposed(1 << (8 * row + column)), 1 << (8 * column + row));
        }
    }

    #[test]
    fn it_takes_little_more_memory_than_its_marks() {
        for (len, most) in [(1_000, 1.6), (36_000, 1.25), (300_000, 1.2)] {
            #[allow(clippy::cast_precision_loss)]
            let bits = Filter::bytes_for(len, PLANES_NEW) as f64 * 8.0 / (len * PLANES_NEW) as f64;
            assert!(bits < most, "{bits} bits of {len} for each bit of a mark");
        }
    }
}
