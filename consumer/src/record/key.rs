//! Which partition a record's key belongs in.

use std::num::NonZeroU32;

/// Settings about keys.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Keys {
    /// Topics whose producers place keys otherwise than by murmur2 on purpose, comma-separated. Their records aren't checked
    /// for it, and are redriven to the partition they came from.
    #[arg(long, env = "OTHER_PARTITIONER_TOPICS", value_delimiter = ',')]
    pub other_partitioner_topics: Vec<String>,
}

impl Keys {
    /// Whether the topic's keys are placed by murmur2.
    #[must_use]
    pub fn are_placed_by_murmur2(&self, topic: &str) -> bool {
        !self.other_partitioner_topics.iter().any(|other| other == topic)
    }
}

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// The partition of `key` among `partitions`, as Java's default partitioner and librdkafka's `murmur2_random` choose it.
///
/// # Panics
/// When `partitions` is not positive.
#[must_use]
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    let count = u32::try_from(partitions).ok().and_then(NonZeroU32::new);
    partition_of_hash(murmur2(key), count.expect("a topic has at least one partition"))
}

/// The same by the key's hash.
#[inline]
#[must_use]
pub fn partition_of_hash(hash: u32, partitions: NonZeroU32) -> i32 {
    ((hash & 0x7fff_ffff) % partitions).cast_signed()
}

/// Kafka's variant of Austin Appleby's MurmurHash2 (`org.apache.kafka.common.utils.Utils.murmur2`). As there, the length
/// is taken modulo 2^32.
#[inline]
#[must_use]
pub fn murmur2(key: &[u8]) -> u32 {
    let (words, rest) = key.as_chunks::<4>();
    let mut hash = SEED ^ (key.len() as u32);
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0u32, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hashes_are_those_of_kafkas_own_tests() {
        let check = |key: &str, hash: i32| assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        check("21", -973_932_308);
        check("foobar", -790_332_482);
        check("a-little-bit-long-string", -985_981_536);
        check("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check("abc", 479_470_107);
    }

    proptest! {
        #[test]
        fn keys_go_where_the_producers_of_the_tests_send_them(key: Vec<u8>, partitions in 1_i32..1_000) {
            prop_assert_eq!(partition_of(&key, partitions), load::murmur2::partition_of(&key, partitions));
        }
    }
}
