//! Records to be counted together, and what the new ones among them add up to.

use crate::counted::{Counted, Counters};
use std::collections::{BTreeMap, HashSet};

/// A topic and a partition of it.
pub type Place = (String, i32);

/// Records of some partitions, without gaps.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records that count if they are new.
    pub records: Vec<Counted>,
    /// By place, the offset of the batch's first record and the one after its last.
    pub offsets: BTreeMap<Place, (i64, i64)>,
}

/// Organization and start of the bucket in Unix seconds, in the order in which rows are written: two threads that wrote
/// the same rows in different order would deadlock.
pub type Sums = BTreeMap<(String, i64), Counters>;

impl Batch {
    /// Sums over buckets of `width` seconds, of the records with these identities alone, and of each only once.
    pub fn sums(&self, new: HashSet<(&str, &str)>, width: i64) -> Sums {
        let (mut new, mut sums) = (new, Sums::new());
        for record in &self.records {
            if new.remove(&(record.organization.as_str(), record.id.as_str())) {
                let bucket = record.seconds.div_euclid(width) * width;
                let sum = sums.entry((record.organization.clone(), bucket)).or_default();
                sum.iter_mut().zip(record.change).for_each(|(sum, change)| *sum += change);
            }
        }
        sums
    }
}

/// Sums over days of sums over hours.
pub fn days(hours: &Sums, width: i64) -> Sums {
    let mut days = Sums::new();
    for ((organization, hour), counters) in hours {
        let day = hour.div_euclid(width) * width;
        let sum = days.entry((organization.clone(), day)).or_default();
        sum.iter_mut().zip(counters).for_each(|(sum, change)| *sum += change);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_records_add_up_once_each() {
        let record = |id: &str, seconds| Counted {
            organization: "acme".into(),
            id: id.into(),
            seconds,
            change: [1, 0, 0, 0, 0, 0, 0, 0],
        };
        let records = vec![
            record("a", 3_599),
            record("a", 3_599),
            record("b", 3_600),
            record("c", 3_601),
            record("d", 0),
        ];
        let batch = Batch { records, offsets: BTreeMap::new() };
        let hours = batch.sums(HashSet::from([("acme", "a"), ("acme", "b"), ("acme", "c")]), 3_600);
        let counts = |sums: &Sums| sums.iter().map(|((_, at), sum)| (*at, sum[0])).collect::<Vec<_>>();
        assert_eq!(counts(&hours), [(0, 1), (3_600, 2)]);
        assert_eq!(counts(&days(&hours, 86_400)), [(0, 3)]);
    }
}
