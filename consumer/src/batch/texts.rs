//! Texts of a batch, interned: each is kept once and has a number.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;
use std::sync::{Arc, OnceLock};

/// A text's number in its [`Texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(u32);

impl Text {
    /// Its place among those of its [`Texts`], from 0 without gaps.
    #[must_use]
    pub fn number(self) -> usize {
        self.0 as usize
    }
}

/// Texts, each kept once.
#[derive(Default)]
pub struct Texts {
    hasher: RandomState,
    /// Numbers, each with half of its text's hash: the table grows without reading texts again.
    numbers: HashTable<(u32, u32)>,
    /// All texts, one after the other. A batch may have a million, so none is an allocation of its own.
    all: String,
    /// Where each ends, by its number.
    ends: Vec<u32>,
    ranks: OnceLock<Ranks>,
}

impl Texts {
    /// The number of `text`. A new text is kept.
    #[inline]
    pub fn keep(&mut self, text: &str) -> Text {
        let half = (self.hasher.hash_one(text) >> 32) as u32;
        let is_it = |&(other, number): &(u32, u32)| other == half && self.get(Text(number)) == text;
        if let Some(&(_, number)) = self.numbers.find(whole(half), is_it) {
            return Text(number);
        }
        self.add(half, text)
    }

    fn add(&mut self, half: u32, text: &str) -> Text {
        let number = u32::try_from(self.ends.len()).expect("a batch has fewer records than a u32 counts");
        self.ranks.take();
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).expect("a batch's bytes are limited"));
        self.numbers.insert_unique(whole(half), (half, number), |&(half, _)| whole(half));
        Text(number)
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes the texts have, together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.all.len()
    }

    /// The text of that number.
    #[must_use]
    #[inline]
    pub fn get(&self, Text(number): Text) -> &str {
        let number = number as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.all[start as usize..self.ends[number] as usize]
    }

    /// The texts' places in byte order, which is the order of PostgreSQL's collation "C". They are found once.
    #[must_use]
    pub fn ranks(&self) -> &Ranks {
        self.ranks.get_or_init(|| self.find_ranks())
    }

    fn find_ranks(&self) -> Ranks {
        let mut order: Vec<Ranked> =
            (0..).take(self.len()).map(|number| Ranked { bytes: 0, text: Text(number) }).collect();
        self.sort(&mut order, 0);
        let mut ranks = vec![0; order.len()];
        for (rank, Ranked { text: Text(number), .. }) in (0..).zip(order) {
            ranks[number as usize] = rank;
        }
        Ranks(ranks)
    }

    /// Sorts texts that agree in their first `equal` bytes: by the next eight as a number, and those that agree in these, too,
    /// by what follows. Texts of a million organizations are anywhere in memory, and are read once for each step, not for
    /// each comparison.
    fn sort(&self, texts: &mut [Ranked], equal: usize) {
        if texts.len() < FEW || equal >= READ_AHEAD_MAX {
            return texts.sort_unstable_by(|a, b| self.get(a.text).cmp(self.get(b.text)));
        }
        texts.iter_mut().for_each(|ranked| ranked.bytes = next_bytes(self.get(ranked.text), equal));
        texts.sort_unstable_by_key(|ranked| ranked.bytes);
        let agreeing = texts.chunk_by_mut(|a, b| a.bytes == b.bytes).filter(|texts| texts.len() > 1);
        agreeing.for_each(|texts| self.sort(texts, equal + size_of::<u64>()));
    }
}

/// A text that is given its place.
struct Ranked {
    /// Bytes of it, compared as a number.
    bytes: u64,
    text: Text,
}

/// Fewer texts are compared with each other, whole.
const FEW: usize = 16;
/// Bytes that texts may have in common before they are compared whole.
const READ_AHEAD_MAX: usize = 64;

/// Eight bytes of a text, the first of them the highest. Where it ends before, zeros stand for what is missing.
fn next_bytes(text: &str, from: usize) -> u64 {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    let mut bytes = [0; size_of::<u64>()];
    let count = rest.len().min(bytes.len());
    bytes[..count].copy_from_slice(&rest[..count]);
    u64::from_be_bytes(bytes)
}

/// A hash of which this is each half.
fn whole(half: u32) -> u64 {
    u64::from(half) << 32 | u64::from(half)
}

/// A set of a batch's texts.
#[derive(Default)]
pub struct TextSet {
    words: Vec<u64>,
    len: usize,
}

impl TextSet {
    /// Puts a text in; whether it was not there before.
    #[inline]
    pub fn insert(&mut self, Text(number): Text) -> bool {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.len += usize::from(is_new);
        self.words[word] |= bit;
        is_new
    }

    /// How many texts are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Some of a batch's texts, each once, in no order.
pub struct SomeTexts {
    texts: Arc<Texts>,
    chosen: Vec<Text>,
}

impl SomeTexts {
    /// Those of `texts` that `numbers` name, each once.
    #[must_use]
    pub fn of(texts: Arc<Texts>, numbers: impl Iterator<Item = Text>) -> Self {
        let mut seen = TextSet::default();
        let chosen = numbers.filter(|number| seen.insert(*number)).collect();
        Self { texts, chosen }
    }

    /// The texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.chosen.iter().map(|text| self.texts.get(*text))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }
}

/// The places of a batch's texts in byte order.
pub struct Ranks(Vec<u32>);

impl Ranks {
    /// The text's place in byte order.
    #[must_use]
    pub fn of(&self, text: Text) -> u32 {
        self.0[text.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Long beginnings in common, texts that are the beginning of others, and zeros, which stand for a missing byte, too.
        #[test]
        fn texts_come_back_and_ranks_are_their_order(
            names in prop::collection::vec("(|a{6,9}|b{60,70})[a-c\u{0}é]{0,12}", 0..120),
        ) {
            let mut texts = Texts::default();
            let numbers: Vec<Text> = names.iter().map(|name| texts.keep(name)).collect();
            let sorted: BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(texts.len(), sorted.len());
            prop_assert_eq!(texts.bytes(), sorted.iter().map(|name| name.len()).sum::<usize>());
            for (name, number) in names.iter().zip(numbers) {
                prop_assert_eq!(texts.get(number), name);
                let rank = sorted.iter().position(|other| *other == name);
                prop_assert_eq!(Some(texts.ranks().of(number) as usize), rank);
            }
        }
    }

    #[test]
    fn equal_texts_share_a_number_and_ranks_follow_bytes() {
        let mut texts = Texts::default();
        let [z, a, z_again, umlaut] = ["z", "a", "z", "ä"].map(|text| texts.keep(text));
        assert_eq!(z, z_again);
        assert_eq!(texts.get(umlaut), "ä");
        let ranks = texts.ranks();
        assert!(ranks.of(a) < ranks.of(z) && ranks.of(z) < ranks.of(umlaut));
    }

    #[test]
    fn a_set_has_each_text_once() {
        let mut set = TextSet::default();
        assert!(set.is_empty());
        let new = [200, 0, 63, 64, 200, 0].map(|number| set.insert(Text(number)));
        assert_eq!((new, set.len()), ([true, true, true, true, false, false], 4));
        let mut texts = Texts::default();
        let numbers = ["b", "a", "b", "c"].map(|text| texts.keep(text));
        let chosen = SomeTexts::of(Arc::new(texts), numbers[..3].iter().copied());
        assert_eq!(chosen.iter().collect::<Vec<_>>(), ["b", "a"]);
    }
}
