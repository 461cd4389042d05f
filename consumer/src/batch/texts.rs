//! Texts of a batch, interned: each is kept once and has a number.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;
use std::sync::OnceLock;

/// A text's number in its [`Texts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(u32);

/// Texts, each kept once.
#[derive(Default)]
pub struct Texts {
    hasher: RandomState,
    numbers: HashTable<u32>,
    texts: Vec<Box<str>>,
    bytes: usize,
    ranks: OnceLock<Ranks>,
}

impl Texts {
    /// The number of `text`. A new text is kept.
    #[inline]
    pub fn keep(&mut self, text: &str) -> Text {
        let Self { hasher, numbers, texts, bytes, ranks } = self;
        let hash = hasher.hash_one(text);
        if let Some(&number) = numbers.find(hash, |&number| &*texts[number as usize] == text) {
            return Text(number);
        }
        let number = u32::try_from(texts.len()).expect("a batch has fewer records than a u32 counts");
        *bytes += text.len();
        ranks.take();
        texts.push(text.into());
        numbers.insert_unique(hash, number, |&number| hasher.hash_one(&*texts[number as usize]));
        Text(number)
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// How many bytes the texts have, together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The text of that number.
    #[must_use]
    pub fn get(&self, text: Text) -> &str {
        &self.texts[text.0 as usize]
    }

    /// The texts' places in byte order, which is the order of PostgreSQL's collation "C". They are found once.
    #[must_use]
    pub fn ranks(&self) -> &Ranks {
        self.ranks.get_or_init(|| self.find_ranks())
    }

    fn find_ranks(&self) -> Ranks {
        let mut order: Vec<u32> = (0..).take(self.texts.len()).collect();
        order.sort_unstable_by(|a, b| self.texts[*a as usize].cmp(&self.texts[*b as usize]));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(order) {
            ranks[number as usize] = rank;
        }
        Ranks(ranks)
    }
}

/// A set of a batch's texts.
#[derive(Default)]
pub struct TextSet {
    words: Vec<u64>,
    len: usize,
}

impl TextSet {
    /// Puts a text in.
    #[inline]
    pub fn insert(&mut self, Text(number): Text) {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.len += usize::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
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
        [200, 0, 63, 64, 200, 0].into_iter().for_each(|number| set.insert(Text(number)));
        assert_eq!(set.len(), 4);
    }
}
