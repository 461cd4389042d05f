//! Finding the records that PostgreSQL refuses. Pure.
//!
//! A batch's rows are sums, which can't be taken apart again. So a partition whose changes are refused is claimed anew, and
//! read again from where it stands, ever fewer records at a time:
//!
//! ```text
//! refused             half as many
//! refused, one only   the same one again, as a dead letter
//! committed           the next ones, twice as many, until all that was refused at first is passed
//! ```

use crate::record::{Offset, Partition, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records of a partition that PostgreSQL may refuse before one of its usual batches is committed again. With more, the
/// database has a trouble that dead letters don't mend, and the partition stops.
pub const UNSTORABLE_MAX: u32 = 1_000;

/// How a claimed partition is read while refused records are looked for. It is good for so many records; then the partition
/// is claimed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caution {
    /// How many records are read. At least 1.
    pub records_max: u64,
    /// The next record, if it was refused by itself: it becomes a dead letter.
    pub unstorable: Option<Unstorable>,
}

/// A record that PostgreSQL refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstorable {
    /// Where in its partition.
    pub offset: Offset,
    /// What PostgreSQL said.
    pub why: Arc<str>,
}

/// A partition's changes that PostgreSQL has refused, though they were written alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Which partition.
    pub partition: Partition,
    /// Which offsets.
    pub span: Span,
    /// How many records they have.
    pub records: u64,
    /// What PostgreSQL said.
    pub why: String,
}

/// What follows from a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The partition is claimed anew and read with [`Narrowing::caution`].
    ReadAgain,
    /// The partition stops, with the reason.
    Stop(String),
}

/// The partitions in which refused records are looked for.
#[derive(Debug, Default)]
pub struct Narrowing {
    partitions: BTreeMap<Partition, Search>,
}

#[derive(Debug)]
struct Search {
    /// How the partition is read; `None` once all that was refused at first is passed.
    caution: Option<Caution>,
    /// The end of what was refused at first.
    until: Offset,
    /// How many records were refused by themselves.
    unstorable: u32,
}

impl Narrowing {
    /// How the partition must be read under its next claim; `None`: as usual.
    #[must_use]
    pub fn caution(&self, partition: Partition) -> Option<Caution> {
        self.partitions.get(&partition)?.caution.clone()
    }

    /// Takes note of a refusal.
    pub fn rejected(&mut self, Rejected { partition, span, records, why }: &Rejected) -> Next {
        let search = self.partitions.entry(*partition).or_insert(Search {
            caution: None,
            until: span.until,
            unstorable: 0,
        });
        let Some(caution) = &mut search.caution else {
            let records_max = (records / 2).max(1);
            (search.caution, search.until) = (Some(Caution { records_max, unstorable: None }), span.until);
            return self.unless(*records == 0, *partition, why);
        };
        let is_dead_letter = caution.unstorable.is_some();
        if caution.records_max == 1 && *records == 1 {
            // Under this caution the claim ends with the record, so nothing follows it in the span.
            let offset = Offset(span.until.0 - 1);
            caution.unstorable = Some(Unstorable { offset, why: why.as_str().into() });
            search.unstorable += 1;
        }
        caution.records_max = (caution.records_max.min(*records) / 2).max(1);
        let are_too_many = UNSTORABLE_MAX < search.unstorable;
        self.unless(is_dead_letter || are_too_many || *records == 0, *partition, why)
    }

    /// Takes note of a commit; returns whether the partition must be claimed anew.
    pub fn committed(&mut self, partition: Partition, span: Span) -> bool {
        let Some(search) = self.partitions.get_mut(&partition).filter(|_| !span.is_empty()) else {
            return false;
        };
        match &mut search.caution {
            Some(caution) if span.until < search.until => {
                *caution = Caution { records_max: caution.records_max.saturating_mul(2), unstorable: None };
                true
            }
            Some(_) => {
                search.caution = None;
                true
            }
            None => {
                self.partitions.remove(&partition);
                false
            }
        }
    }

    /// Ends the search in a partition that this member no longer reads.
    pub fn forget(&mut self, partition: Partition) {
        self.partitions.remove(&partition);
    }

    fn unless(&mut self, is_hopeless: bool, partition: Partition, why: &str) -> Next {
        if !is_hopeless {
            return Next::ReadAgain;
        }
        self.forget(partition);
        Next::Stop(format!("PostgreSQL refuses its records, or too many of them: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Topic;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const PARTITION: Partition = Partition { topic: Topic::Events, number: 0 };

    /// A partition's log, read and written as the source and the writer do.
    struct Log {
        records: Vec<i64>,
        refused: BTreeSet<i64>,
        next: i64,
        counted: Vec<i64>,
        letters: Vec<i64>,
        attempts: usize,
        stopped: bool,
    }

    impl Log {
        /// Offsets from 0, with a gap before each record.
        fn new(records: &[(bool, i64)]) -> Self {
            let mut next = 0;
            let placed = records.iter().map(|(_, gap)| {
                next += gap + 1;
                next - 1
            });
            let offsets: Vec<i64> = placed.collect();
            let refused = offsets.iter().zip(records).filter(|(_, (is_refused, _))| *is_refused);
            Self {
                refused: refused.map(|(offset, _)| *offset).collect(),
                records: offsets,
                next: 0,
                counted: Vec::new(),
                letters: Vec::new(),
                attempts: 0,
                stopped: false,
            }
        }

        fn read(&mut self, narrowing: &mut Narrowing, batch: usize) {
            let mut caution = None;
            while self.records.last().is_some_and(|last| self.next <= *last) && !self.stopped {
                self.attempts += 1;
                let size = caution.as_ref().map_or(batch, |caution: &Caution| caution.records_max as usize);
                let unread = self.records.iter().copied().filter(|offset| self.next <= *offset);
                let slice: Vec<i64> = unread.take(size).collect();
                let span = Span { from: Offset(self.next), until: Offset(slice.last().unwrap() + 1) };
                let letter = caution.and_then(|caution| caution.unstorable).map(|of| of.offset.0);
                let is_refused = |offset: &&i64| self.refused.contains(*offset) && Some(**offset) != letter;
                if slice.iter().any(|offset| is_refused(&offset)) {
                    let records = slice.len() as u64;
                    let rejected = Rejected { partition: PARTITION, span, records, why: "no".into() };
                    self.stopped = narrowing.rejected(&rejected) != Next::ReadAgain;
                    caution = narrowing.caution(PARTITION);
                } else {
                    self.next = span.until.0;
                    let (letters, counted): (Vec<_>, Vec<_>) =
                        slice.into_iter().partition(|offset| Some(*offset) == letter);
                    self.letters.extend(letters);
                    self.counted.extend(counted);
                    narrowing.committed(PARTITION, span);
                    caution = narrowing.caution(PARTITION);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn each_refused_record_is_found_and_every_other_one_counts_once(
            records in prop::collection::vec((prop::bool::weighted(0.1), 0i64..3), 1..300),
            batch in 1usize..300,
        ) {
            let (mut log, mut narrowing) = (Log::new(&records), Narrowing::default());
            log.read(&mut narrowing, batch);
            let refused: Vec<i64> = log.refused.iter().copied().collect();
            let sound: Vec<i64> =
                log.records.iter().copied().filter(|offset| !log.refused.contains(offset)).collect();
            prop_assert_eq!(&log.letters, &refused);
            prop_assert_eq!(&log.counted, &sound);
            prop_assert!(log.attempts <= 10 + records.len() + 20 * refused.len(), "{} attempts", log.attempts);
        }
    }

    #[test]
    fn one_refused_record_of_a_large_batch_takes_few_attempts() {
        let mut records = vec![(false, 0); 1_000_000];
        records[700_000].0 = true;
        let (mut log, mut narrowing) = (Log::new(&records), Narrowing::default());
        log.read(&mut narrowing, 1_000_000);
        assert_eq!((log.letters, log.counted.len()), (vec![700_000], 999_999));
        assert!(log.attempts < 70, "{} attempts", log.attempts);
        narrowing.committed(PARTITION, Span { from: Offset(1_000_000), until: Offset(1_000_001) });
        assert!(narrowing.partitions.is_empty(), "the partition is read as usual");
    }

    #[test]
    fn what_cannot_be_narrowed_down_stops_its_partition() {
        let rejected = |records, until| Rejected {
            partition: PARTITION,
            span: Span { from: Offset(5), until: Offset(until) },
            records,
            why: "no".into(),
        };
        let mut narrowing = Narrowing::default();
        assert_eq!(narrowing.rejected(&rejected(1, 6)), Next::ReadAgain, "it may have had markers behind it");
        assert_eq!(narrowing.rejected(&rejected(1, 6)), Next::ReadAgain, "as a dead letter");
        let Next::Stop(why) = narrowing.rejected(&rejected(1, 6)) else { panic!("nothing is left to try") };
        assert!(why.contains("no"), "{why}");
        assert_eq!(narrowing.caution(PARTITION), None);
        assert!(
            matches!(Narrowing::default().rejected(&rejected(0, 9)), Next::Stop(_)),
            "no record is to blame"
        );
    }

    #[test]
    fn where_every_record_is_refused_the_partition_stops() {
        let mut log = Log::new(&vec![(true, 0); 3 * UNSTORABLE_MAX as usize]);
        log.read(&mut Narrowing::default(), 500);
        assert_eq!((log.stopped, log.letters.len()), (true, UNSTORABLE_MAX as usize));
    }
}
